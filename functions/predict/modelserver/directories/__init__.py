"""
Serving version directories in place: nothing is published, and nothing copied.

listing     which directories are versions, and whether one changes
version     one of them: seen, settled, complete or refused
catalogue   all of them, model by model, and what the default means
inplace     that as a registry: versions, and aliases that flags or models.config own
watcher     looks at the directories and the file, again and again, and tells the server
"""
