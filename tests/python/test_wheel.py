"""The wheel in a new environment, where nothing else is: what people install."""

import os
import subprocess
import venv
import zipfile

import pytest
from conftest import ROOT

EXAMPLES = ROOT / "python-package/examples"


@pytest.fixture(scope="module")
def wheel():
    built = sorted((ROOT / "target/packages").glob("datatracks-*.whl"))
    assert len(built) == 1, f"{built} instead of one wheel: cargo tasks wheel"
    return built[0]


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The interpreter of an environment that has the wheel, installed without an index."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    interpreter = folder / "bin/python"
    subprocess.run([interpreter, "-m", "pip", "install", "--quiet", "--no-index", wheel], check=True, timeout=120)
    return interpreter


def test_the_wheel_holds_the_module_and_its_library_and_fits_any_python_3(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    own = [name for name in names if ".dist-info/" not in name]
    assert sorted(own) == ["datatracks/__init__.py", "datatracks/libdatatracks.so"]
    assert any(name.endswith("/LICENSE") for name in names)
    assert "-py3-none-linux_" in wheel.name, wheel.name


def test_the_examples_run_from_the_wheel_alone(python, sfu):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    port = str(sfu.address[1])

    def start(example, *arguments):
        command = [python, EXAMPLES / example, port, "wheel", *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    subscriber, sensor = start("subscriber.py"), start("sensor.py", "100")
    try:
        published, _ = sensor.communicate(timeout=60)
        read, _ = subscriber.communicate(timeout=60)
    finally:
        subscriber.kill()
        sensor.kill()
    assert (sensor.returncode, subscriber.returncode) == (0, 0)
    assert published == "publishing position\n"
    first, *_, last = read.splitlines()
    assert first == "reading position of sensor"
    frames, _, reason = last.partition(" frames, ended: ")
    assert int(frames) > 0 and reason == "UNPUBLISHED", last
