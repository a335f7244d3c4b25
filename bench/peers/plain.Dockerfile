# What everyone deploys: the plain handler beside `pip install tensorflow-cpu`. Build context:
# made by bench/containers.py, with the wheels in it, because a build may have no network.
FROM public.ecr.aws/lambda/python:3.13 AS build
COPY wheels /wheels
COPY requirements.txt ./
RUN python3.13 -m pip install --no-cache-dir --no-index --find-links /wheels --target /packages \
        --requirement requirements.txt

FROM public.ecr.aws/lambda/python:3.13
COPY --from=build /packages ${LAMBDA_TASK_ROOT}/
COPY plain.py ${LAMBDA_TASK_ROOT}/
CMD ["plain.handler"]
