"""Checks ONNX models with the reference checker: `python tools/golden/check_onnx.py MODEL...`

Needs onnx 1.23.1. Each model is checked by path, so that its external weights are checked too, and its declared
shapes are compared with those of strict shape inference. Prints one line for each model; exit code 1 if any is bad.
"""

import sys

import onnx
from onnx import checker, shape_inference


def check(path: str) -> None:
    checker.check_model(path, full_check=True)
    model = onnx.load(path, load_external_data=False)
    inferred = shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    declared = {value.name: value.type for value in [*model.graph.value_info, *model.graph.output]}
    for value in [*inferred.graph.value_info, *inferred.graph.output]:
        if declared[value.name] != value.type:
            raise ValueError(f"{value.name} is declared {declared[value.name]} and inferred {value.type}")


failed = False
for path in sys.argv[1:]:
    try:
        check(path)
        print(f"{path}: ok")
    except Exception as error:  # every kind of finding is one line of the report
        failed = True
        print(f"{path}: {' '.join(str(error).split())}")
sys.exit(failed)
