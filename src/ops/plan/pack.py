# Packs files into the scene that is open and saves a copy of it. farm puts three values before this text, all as bytes:
# SCENE, where the scene lies; COPY, where the copy goes; FILES, what is to be packed.
import os

import bpy


def place(path):
    """The same for two paths to one name, whatever links lead there; the name may be a pattern of tiles."""
    folder, name = os.path.split(path.replace(b"\\", b"/"))
    return os.path.realpath(folder), name


def is_wanted(block):
    return block.library is None and place(os.fsencode(bpy.path.abspath(block.filepath))) in wanted


def attempt(pack):
    """What cannot be packed is found out, and named, by whoever reads the copy."""
    try:
        pack()
    except (RuntimeError, AttributeError) as error:
        print("farm:", error)


if place(os.fsencode(bpy.data.filepath)) != place(SCENE):
    raise RuntimeError("Error: the scene could not be opened")
wanted = {place(path) for path in FILES}
for block in (*bpy.data.images, *bpy.data.sounds, *bpy.data.fonts):
    if is_wanted(block) and not block.packed_file:
        attempt(block.pack)
# Neither has a function that packs a single one.
if any(place(os.fsencode(bpy.path.abspath(library.filepath))) in wanted for library in bpy.data.libraries):
    attempt(bpy.ops.file.pack_libraries)
if any(is_wanted(volume) for volume in bpy.data.volumes):
    attempt(bpy.ops.file.pack_all)
bpy.ops.wm.save_as_mainfile(filepath=os.fsdecode(COPY), copy=True, compress=True, relative_remap=False)
