"""Makes scenes whose files cannot be taken along, in the folder named after `--`. Run it inside Blender (3.4 or later).

odd.blend        a picture whose name is not UTF-8, and one beside it whose name is fine
linked.blend     a library whose name is not UTF-8
strip.blend      a picture in the sequencer, in clip/
"""
import os
import struct
import sys
import zlib

import bpy

FOLDER = os.path.abspath(sys.argv[sys.argv.index("--") + 1])
ODD = os.fsdecode(b"wood_\xff.png")
ODD_LIBRARY = os.fsdecode(b"props_\xff.blend")


def place(*parts):
    path = os.path.join(FOLDER, *parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def picture(path, colour, size=16):
    """A PNG whose left half is of one colour and whose right half is dark."""
    row = b"\0" + bytes(colour) * (size // 2) + bytes((20, 20, 20)) * (size // 2)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)))
        file.write(chunk(b"IDAT", zlib.compress(row * size)) + chunk(b"IEND", b""))
    return path


def new_scene():
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, 2
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y = 48, 32
    scene.render.image_settings.file_format = "PNG"
    scene.cycles.device, scene.cycles.samples, scene.cycles.seed = "CPU", 4, 1
    scene.cycles.use_denoising = scene.cycles.use_adaptive_sampling = False
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location = (0, 0, 6)
    scene.collection.objects.link(camera)
    scene.camera = camera
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    sun.data.energy = 3
    scene.collection.objects.link(sun)
    return scene


def plane(name, left, image=None):
    """Two by two units from `left` on, with the picture on it."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(left, -1, 0), (left + 2, -1, 0), (left + 2, 1, 0), (left, 1, 0)], [], [(0, 1, 2, 3)])
    for loop, corner in zip(mesh.uv_layers.new(name="UV").data, ((0, 0), (1, 0), (1, 1), (0, 1))):
        loop.uv = corner
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes["Principled BSDF"].inputs["Base Color"].default_value = (.1, .6, .2, 1)
    if image:
        texture = nodes.new("ShaderNodeTexImage")
        texture.image = image
        links.new(texture.outputs["Color"], nodes["Principled BSDF"].inputs["Base Color"])
    mesh.materials.append(material)
    return bpy.data.objects.new(name, mesh)


def save(name):
    bpy.context.preferences.filepaths.save_version = 0
    bpy.ops.wm.save_as_mainfile(filepath=place(name), compress=True, relative_remap=True)


def odd():
    scene = new_scene()
    save("odd.blend")
    for name, left, colour in ((ODD, -2, (230, 60, 30)), ("fine.png", 0, (40, 60, 230))):
        image = bpy.data.images.load(picture(place("maps", name), colour))
        image.filepath = "//maps/" + name
        scene.collection.objects.link(plane("Plane", left, image))
    save("odd.blend")


def linked():
    scene = new_scene()
    props = bpy.data.collections.new("Props")
    props.objects.link(plane("Prop", -1))
    scene.collection.children.link(props)
    save("props.blend")
    scene = new_scene()
    save("linked.blend")
    with bpy.data.libraries.load(place("props.blend"), link=True, relative=True) as (_, wanted):
        wanted.collections = ["Props"]
    instance = bpy.data.objects.new("Props", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", wanted.collections[0]
    scene.collection.objects.link(instance)
    os.rename(place("props.blend"), place(ODD_LIBRARY))
    bpy.data.libraries[0].filepath = "//" + ODD_LIBRARY
    save("linked.blend")


def strip():
    scene = new_scene()
    save("strip.blend")
    pictures = scene.sequence_editor_create().sequences
    pictures.new_image("Plate", picture(place("clip", "plate.png"), (200, 200, 20)), 1, 1).directory = "//clip/"
    save("strip.blend")


odd()
linked()
strip()
