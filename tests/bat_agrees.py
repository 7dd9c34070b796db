"""Compares what farm and the Blender Asset Tracer (BAT) say that scenes need.

  pip install blender-asset-tracer
  python tests/bat_agrees.py [--farm target/debug/farm] [--bat bat] [SCENE…]     (default: all fixtures)

Ends with 0 where they agree, 1 where they do not, 2 where one of them cannot be run. BAT knows neither OSL scripts nor
IES files, and names each file of a set where farm names the set.
"""
import argparse
import json
import pathlib
import subprocess
import sys

FIXTURES = pathlib.Path(__file__).resolve().parent / "fixtures" / "scenes"
UNKNOWN_TO_BAT = {"script", "ies"}


def run(*command):
    try:
        return subprocess.run([str(part) for part in command], capture_output=True, text=True)
    except FileNotFoundError as error:
        print(f"{error.filename} cannot be run", file=sys.stderr)
        sys.exit(2)


def said_by_bat(bat, scene):
    """Which file needs which files, or None for a scene that BAT cannot read."""
    done = run(bat, "list", "--json", scene)
    if done.returncode:
        return None
    return {(needs, path) for needs, paths in json.loads(done.stdout).items() for path in paths}


def said_by_farm(farm, scene):
    done = run(farm, "inspect", scene, "--json")
    if done.returncode:
        return None
    needs = [need for file in json.loads(done.stdout)["files"] for need in file["dependencies"]]
    return [need for need in needs if need["state"] == "found" and need["kind"] not in UNKNOWN_TO_BAT]


def explains(need, needs, path):
    """Whether a dependency that farm names is, or contains, a file that BAT names."""
    if need["needed_by"] != needs:
        return False
    place = pathlib.PurePath(need["path"])
    if need["extent"] == "folder":
        return place in pathlib.PurePath(path).parents
    return str(place) == path or (need["files"] > 1 and place.parent == pathlib.PurePath(path).parent)


def differences(bat, farm):
    if (bat is None) != (farm is None):
        yield "only one of them can read it: " + ("farm" if bat is None else "BAT")
        return
    for needs, path in sorted(bat or ()):
        if not any(explains(need, needs, path) for need in farm):
            yield f"only BAT: {path} (needed by {needs})"
    for need in farm or ():
        members = [path for needs, path in bat if explains(need, needs, path)]
        if not members:
            yield f"only farm: {need['kind']} {need['path']} (needed by {need['needed_by']})"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--farm", default="target/debug/farm")
    parser.add_argument("--bat", default="bat")
    parser.add_argument("scenes", nargs="*", type=pathlib.Path)
    given = parser.parse_args()
    scenes = given.scenes or sorted(FIXTURES.rglob("*.blend"))
    failed = 0
    for scene in scenes:
        scene = scene.resolve()
        found = list(differences(said_by_bat(given.bat, scene), said_by_farm(given.farm, scene)))
        print("agree" if not found else "DIFFER", scene)
        for line in found:
            print("   ", line)
        failed += bool(found)
    print(f"{len(scenes) - failed} of {len(scenes)} agree")
    return 1 if failed or not scenes else 0


sys.exit(main())
