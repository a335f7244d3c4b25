"""Write docs/compatibility.md."""

from .table import PLACE, page

if __name__ == "__main__":
    PLACE.write_text(page(), "utf-8")
