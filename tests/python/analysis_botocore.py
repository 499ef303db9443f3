"""Judges a NetworkInsightsAnalysis by botocore's model of it: every name must be known, every type right.

Reads the analysis as JSON on stdin; prints one complaint a line.
"""

import json
import sys

import botocore.session

TYPES = {"string": str, "integer": int, "boolean": bool, "timestamp": str}


def complain(shape, value, path):
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            print(f"{path}: {value!r} is no structure")
            return
        for name, inner in value.items():
            if name not in shape.members:
                print(f"{path}: {shape.name} has no member {name}")
            else:
                complain(shape.members[name], inner, f"{path}.{name}")
    elif shape.type_name == "list":
        if not isinstance(value, list):
            print(f"{path}: {value!r} is no list")
            return
        for number, inner in enumerate(value):
            complain(shape.member, inner, f"{path}[{number}]")
    elif type(value) is not TYPES[shape.type_name]:
        print(f"{path}: {value!r} is no {shape.type_name}")
    elif getattr(shape, "enum", None) and value not in shape.enum:
        print(f"{path}: {value!r} is none of {shape.enum}")


model = botocore.session.get_session().get_service_model("ec2")
complain(model.shape_for("NetworkInsightsAnalysis"), json.load(sys.stdin), "analysis")
