"""The client of tests/dynamodb_botocore.rs: botocore talks to vpcsim's DynamoDB front end.

    dynamodb_botocore.py URL    > {"name": answer or error, ...}

botocore checks each answer's x-amz-crc32, parses it by its own model, and finds the exception class of each error.
Nothing but URL is contacted.
"""

import datetime
import json
import os
import sys

import botocore.config
import botocore.exceptions
import botocore.session


def plain(value):
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, bytes):
        return {"bytes": list(value)}
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat()
    return value


def main():
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)
    os.environ.update(AWS_CONFIG_FILE="/nonexistent", AWS_SHARED_CREDENTIALS_FILE="/nonexistent", NO_PROXY="127.0.0.1")
    client = botocore.session.get_session().create_client(
        "dynamodb",
        region_name="us-east-1",
        endpoint_url=sys.argv[1],
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        config=botocore.config.Config(retries={"max_attempts": 0}),
    )
    results = {}

    def call(name, operation, **parameters):
        try:
            results[name] = plain(getattr(client, operation)(**parameters))
        except botocore.exceptions.ClientError as error:
            modelled = type(error).__name__
            results[name] = {"class": modelled, **error.response["Error"]}

    music = {
        "TableName": "Music",
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "B"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
    }
    call("create", "create_table", **music)
    call("create again", "create_table", **music)
    call("too early", "get_item", TableName="Music", Key={"pk": {"B": b"\x00"}, "sk": {"S": "x"}})
    client.get_waiter("table_exists").wait(TableName="Music", WaiterConfig={"Delay": 0, "MaxAttempts": 20})
    call("describe", "describe_table", TableName="Music")
    item = {
        "pk": {"B": b"\xff\x00"},
        "sk": {"S": "\U0001f600\u00fc"},
        "n": {"N": "-12.50"},
        "set": {"NS": ["3", "1"]},
        "bins": {"BS": [b"a", b"b"]},
        "nested": {"M": {"list": {"L": [{"NULL": True}, {"BOOL": False}, {"S": ""}]}}},
    }
    call("put", "put_item", TableName="Music", Item=item, ReturnConsumedCapacity="TOTAL")
    call("get", "get_item", TableName="Music", Key={"pk": item["pk"], "sk": item["sk"]})
    call("absent", "get_item", TableName="Music", Key={"pk": item["pk"], "sk": {"S": "no"}})
    for letter in "cab":
        call("more", "put_item", TableName="Music", Item={"pk": {"B": b"p"}, "sk": {"S": letter * 2}})
    # ASCII before what comes after it in UTF-8, whatever UTF-16 would say.
    for letter in ("\uff5e", "\U0001f600"):
        call("more", "put_item", TableName="Music", Item={"pk": {"B": b"p"}, "sk": {"S": letter}})
    condition = {
        "TableName": "Music",
        "KeyConditionExpression": "#p = :p AND begins_with(sk, :b)",
        "ExpressionAttributeNames": {"#p": "pk"},
        "ExpressionAttributeValues": {":p": {"B": b"p"}, ":b": {"S": "b"}},
    }
    call("query", "query", **condition)
    everything = {
        "TableName": "Music",
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"B": b"p"}},
    }
    pages = client.get_paginator("query").paginate(**everything, PaginationConfig={"PageSize": 2})
    results["pages"] = [[item["sk"]["S"] for item in page["Items"]] for page in pages]
    call("bad value", "put_item", TableName="Music", Item={"pk": {"N": "1"}, "sk": {"S": "x"}})
    call("no table", "query", **{**everything, "TableName": "Nothing"})
    call("too long", "put_item", TableName="Music", Item={"pk": {"B": b"p"}, "sk": {"S": "x" * 1025}})
    call("delete", "delete_table", TableName="Music")
    client.get_waiter("table_not_exists").wait(TableName="Music", WaiterConfig={"Delay": 0, "MaxAttempts": 20})
    call("gone", "describe_table", TableName="Music")
    call("list", "list_tables")
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
