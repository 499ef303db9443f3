"""The client of tests/s3_botocore.rs: botocore talks to vpcsim's S3 and STS front ends.

    s3_botocore.py S3-URL STS-URL    > {"name": answer or error, ...}

botocore parses each answer by its own model, compares checksums, and finds the exception class of each error. Nothing but the URLs is
contacted.
"""

import datetime
import json
import os
import sys

import botocore.config
import botocore.exceptions
import botocore.response
import botocore.session


def plain(value):
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, botocore.response.StreamingBody):
        return value.read().decode()
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat()
    return value


def main():
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)
    os.environ.update(AWS_CONFIG_FILE="/nonexistent", AWS_SHARED_CREDENTIALS_FILE="/nonexistent", NO_PROXY="127.0.0.1")
    session = botocore.session.get_session()
    results = {}

    def client(service, url, key="AKIAIOSFODNN7EXAMPLE", region="us-east-1"):
        return session.create_client(
            service,
            region_name=region,
            endpoint_url=url,
            aws_access_key_id=key,
            aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            config=botocore.config.Config(retries={"max_attempts": 0}),
        )

    def call(name, to, operation, **parameters):
        try:
            results[name] = plain(getattr(to, operation)(**parameters))
        except botocore.exceptions.ClientError as error:
            results[name] = {"class": type(error).__name__, **error.response["Error"]}

    s3 = client("s3", sys.argv[1])
    call("create", s3, "create_bucket", Bucket="pictures")
    call("put", s3, "put_object", Bucket="pictures", Key="a/b c+\u00fc&.txt", Body=b"hello", Metadata={"owner": "me"}, ContentType="text/plain")
    call("put sha", s3, "put_object", Bucket="pictures", Key="a/2", Body=b"x" * 3000, ChecksumAlgorithm="SHA256")
    call("put control", s3, "put_object", Bucket="pictures", Key="z\x01", Body=b"")
    call("get", s3, "get_object", Bucket="pictures", Key="a/b c+\u00fc&.txt")
    call("part", s3, "get_object", Bucket="pictures", Key="a/b c+\u00fc&.txt", Range="bytes=1-2")
    call("head", s3, "head_object", Bucket="pictures", Key="a/2")
    call("head nothing", s3, "head_object", Bucket="pictures", Key="nothing")
    call("nothing", s3, "get_object", Bucket="pictures", Key="nothing")
    call("nowhere", s3, "get_object", Bucket="nowhere", Key="nothing")
    call("buckets", s3, "list_buckets")
    call("list", s3, "list_objects_v2", Bucket="pictures", Delimiter="/")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="pictures", PaginationConfig={"PageSize": 1})
    results["pages"] = [[item["Key"] for item in page["Contents"]] for page in pages]
    call("head bucket", s3, "head_bucket", Bucket="pictures")
    call("not empty", s3, "delete_bucket", Bucket="pictures")
    call("other region", s3, "get_object", Bucket="far-away", Key="x")
    call("wrong region", client("s3", sys.argv[1], region="eu-west-1"), "list_buckets")
    call("tags", s3, "get_object_tagging", Bucket="pictures", Key="a/2")
    call("delete", s3, "delete_object", Bucket="pictures", Key="a/2")
    call("who", client("sts", sys.argv[2]), "get_caller_identity")
    call("stranger", client("sts", sys.argv[2], key="AKIASTRANGER"), "get_caller_identity")
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
