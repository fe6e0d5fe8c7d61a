"""Writes schemas that kubeconform reads, and checks a compose file.

    python deploy_schemas.py kinds FOLDER TARGET
    python deploy_schemas.py crd DEFINITION.yaml SCHEMA.json
    python deploy_schemas.py compose SPEC.json compose.yaml
"""

import json
import os
import sys

import jsonschema
import yaml

KINDS = [
    "configmap-v1.json",
    "deployment-apps-v1.json",
    "namespace-v1.json",
    "persistentvolumeclaim-v1.json",
    "service-v1.json",
    "serviceaccount-v1.json",
]


def closed(schema):
    """Refuses members that an object's schema does not name, as the API server prunes them without a word."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    result = {name: closed(value) for name, value in schema.items()}
    if isinstance(result.get("properties"), dict) and result.get("type") == "object":
        result.setdefault("additionalProperties", False)
    return result


def write_kinds(folder, target):
    """Copies the schemas of Kubernetes that deploy/ needs, each with all definitions, since kubeconform reads one file."""
    with open(os.path.join(folder, "_definitions.json")) as file:
        definitions = json.load(file)["$defs"]
    for name in KINDS:
        with open(os.path.join(folder, name)) as file:
            schema = json.load(file)
        schema["$defs"] = definitions
        with open(os.path.join(target, name), "w") as file:
            file.write(json.dumps(schema).replace('"/api/_definitions.json#', '"#').replace('"_definitions.json#', '"#'))


def write_crd(definition, target):
    with open(definition) as source:
        versions = yaml.safe_load(source)["spec"]["versions"]
    schema = next(each for each in versions if each["storage"])["schema"]["openAPIV3Schema"]
    schema["properties"]["metadata"] = {}
    with open(target, "w") as file:
        json.dump(closed(schema), file)


def check_compose(spec, path):
    with open(spec) as schema, open(path) as compose:
        jsonschema.validate(yaml.safe_load(compose), json.load(schema))


if __name__ == "__main__":
    {"kinds": write_kinds, "crd": write_crd, "compose": check_compose}[sys.argv[1]](*sys.argv[2:])
