"""The other side of tests/api_botocore.rs: botocore and the AWS CLI as judges of vpcsim's codecs and grammar.

    api_botocore.py generate SEED   < [operation, ...]            > {"requests": [...], "responses": [...], "names": {...}}
    api_botocore.py parse           < [{operation, status, xml}]  > [document or error, ...]
    api_botocore.py cli             < [{line, answers}]           > [{requests, stdout, stderr, exit_code}]

`cli` runs the installed CLI in this process against an HTTP server on the loopback interface. Nothing else is contacted.
"""

import base64
import contextlib
import datetime
import http.server
import io
import json
import os
import random
import shlex
import sys
import tempfile
import threading

import botocore.awsrequest
import botocore.parsers
import botocore.serialize
import botocore.session

LETTERS = "aZ0 &<>\"'%+=.\n\r\té\U0001f600];"


def service_model():
    return botocore.session.get_session().get_service_model("ec2")


class Generator:
    """Documents drawn from botocore's own model, not from the trimmed one."""

    def __init__(self, seed, empty_allowed):
        self.random = random.Random(seed)
        self.empty_allowed = empty_allowed

    def text(self):
        return "".join(self.random.choice(LETTERS) for _ in range(self.random.randrange(6)))

    def value(self, shape, is_root=False):
        kind = shape.type_name
        if kind == "structure":
            required = set(shape.required_members)
            if shape.members and not self.empty_allowed and not is_root:
                required.add(self.random.choice(list(shape.members)))
            return {
                name: self.value(member)
                for name, member in shape.members.items()
                if name in required or self.random.random() < 0.25
            }
        if kind == "list":
            return [self.value(shape.member) for _ in range(self.random.randrange(0 if self.empty_allowed else 1, 3))]
        if kind == "string":
            return self.text()
        if kind == "integer":
            return self.random.randrange(-(2**31), 2**31)
        if kind == "long":
            return self.random.randrange(-(2**63), 2**63)
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind == "timestamp":
            return datetime.datetime(2017, 7, 26, 22, self.random.randrange(60), 14, tzinfo=datetime.timezone.utc)
        if kind == "blob":
            return self.text().encode()
        raise ValueError(kind)


def to_json(value):
    """A document as vpcsim holds it: timestamps and bytes as text."""
    if isinstance(value, dict):
        return {key: to_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [to_json(inner) for inner in value]
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def generate(seed, operations):
    model = service_model()
    serializer = botocore.serialize.create_serializer("ec2", include_validation=False)
    requests, responses, names = [], [], {}
    for operation in operations:
        shapes = model.operation_model(operation)
        names[operation] = {
            "operation": botocore.xform_name(operation, "-"),
            "members": {name: botocore.xform_name(name, "-") for name in shapes.input_shape.members},
        }
        for round_number in range(5):
            label = f"{seed}/{operation}/{round_number}"
            parameters = Generator(label, empty_allowed=False).value(shapes.input_shape, is_root=True)
            # Before botocore's handlers, which encode user data for the caller.
            form = serializer.serialize_to_request(parameters, shapes)["body"]
            body = botocore.awsrequest.AWSRequest("POST", "https://ec2.invalid/", data=form).prepare().body
            requests.append(
                {
                    "operation": operation,
                    "document": to_json(parameters),
                    "body": body.decode() if isinstance(body, bytes) else body,
                }
            )
            if shapes.output_shape is not None:
                document = Generator(label, empty_allowed=True).value(shapes.output_shape, is_root=True)
                responses.append({"operation": operation, "document": to_json(document)})
    return {"requests": requests, "responses": responses, "names": names}


def parse(cases):
    model = service_model()
    parser = botocore.parsers.create_parser("ec2")
    answers = []
    for case in cases:
        response = {"status_code": case["status"], "headers": {}, "body": case["xml"].encode()}
        document = parser.parse(response, model.operation_model(case["operation"]).output_shape)
        metadata = document.pop("ResponseMetadata")
        answers.append({"document": to_json(document), "request_id": metadata["RequestId"]})
    return answers


class Server(http.server.BaseHTTPRequestHandler):
    answers = []
    requests = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        headers = {key.lower(): value for key, value in self.headers.items()}
        Server.requests.append({"method": self.command, "target": self.path, "body": body, "headers": headers})
        answer = Server.answers.pop(0) if Server.answers else {"status": 500, "body": "unexpected request"}
        payload = answer["body"].encode()
        self.send_response(answer["status"])
        for name, value in answer.get("headers", {}).items():
            self.send_header(name, value)
        if "Content-Length" not in answer.get("headers", {}):
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST

    def log_message(self, *_):
        pass


def cli(cases):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        # What get-object writes goes away with the folder; `s3 ls` prints local time.
        os.chdir(folder)
        os.environ["TZ"] = "UTC"
        config = os.path.join(folder, "config")
        with open(config, "w", encoding="utf-8") as file:
            # Version 2's defaults where version 1's differ.
            file.write("[default]\nregion = us-east-1\ncli_timestamp_format = iso8601\n")
        os.environ.update(
            AWS_CONFIG_FILE=config,
            AWS_SHARED_CREDENTIALS_FILE=os.path.join(folder, "none"),
            AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE",
            AWS_SECRET_ACCESS_KEY="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            AWS_MAX_ATTEMPTS="1",
            AWS_EC2_METADATA_DISABLED="true",
            AWS_PAGER="",
            NO_PROXY="127.0.0.1",
        )
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_DEFAULT_OUTPUT"):
            os.environ.pop(name, None)
        import awscli.clidriver

        results = []
        for case in cases:
            Server.answers, Server.requests = list(case["answers"]), []
            arguments = shlex.split(case["line"])[1:]
            arguments += ["--endpoint-url", f"http://127.0.0.1:{server.server_port}"]
            stdout, stderr = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
                try:
                    exit_code = awscli.clidriver.create_clidriver().main(arguments)
                except SystemExit as stop:
                    exit_code = stop.code
            results.append(
                {
                    "requests": Server.requests,
                    "stdout": stdout.getvalue(),
                    "stderr": stderr.getvalue(),
                    "exit_code": exit_code,
                }
            )
    return results


def main():
    command, *rest = sys.argv[1:]
    given = json.load(sys.stdin)
    answer = {"generate": lambda: generate(rest[0], given), "parse": lambda: parse(given), "cli": lambda: cli(given)}[command]()
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
