"""Makes scenes that need other files, in the folder named after `--`. Run it inside Blender (3.4 or later).

one/wall.blend, two/floor.blend   both use //textures/wood.png, and mean different pictures
linked.blend                      links lib/props.blend, which uses a texture of its own
udim.blend, sequence.blend        a picture in tiles, a picture per frame
cloth.blend                       a simulation baked into a disk cache
stereo.blend                      two views per frame
passes.blend                      a File Output node beside the frame
"""
import os
import struct
import sys
import zlib

import bpy

FOLDER = os.path.abspath(sys.argv[sys.argv.index("--") + 1])


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
    scene.frame_start, scene.frame_end = 1, 6
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y = 48, 32
    scene.render.image_settings.file_format = "PNG"
    scene.cycles.device, scene.cycles.samples, scene.cycles.seed = "CPU", 4, 1
    scene.cycles.use_denoising = scene.cycles.use_adaptive_sampling = False
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (0, 0, 6), (0, 0, 0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    sun.data.energy = 3
    scene.collection.objects.link(sun)
    return scene


def plane(name, cells=1, tiles=1):
    """A square of four units with texture coordinates over `tiles` tiles, cut into cells × cells."""
    step = 4 / cells
    corners = [(-2 + x * step, -2 + y * step, 0) for y in range(cells + 1) for x in range(cells + 1)]
    wide = cells + 1
    sides = [
        (y * wide + x, y * wide + x + 1, (y + 1) * wide + x + 1, (y + 1) * wide + x)
        for y in range(cells) for x in range(cells)
    ]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners, [], sides)
    coordinates = mesh.uv_layers.new(name="UV").data
    for loop in mesh.loops:
        x, y, _ = corners[loop.vertex_index]
        coordinates[loop.index].uv = ((x + 2) / 4 * tiles * 0.999, (y + 2) / 4 * 0.999)
    return bpy.data.objects.new(name, mesh)


def textured(image):
    material = bpy.data.materials.new("Textured")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    node = nodes.new("ShaderNodeTexImage")
    node.image = image
    links.new(node.outputs["Color"], nodes["Principled BSDF"].inputs["Base Color"])
    return material, node


def save(*parts):
    bpy.context.preferences.filepaths.save_version = 0
    bpy.ops.wm.save_as_mainfile(filepath=place(*parts), compress=True, relative_remap=True)
    bpy.ops.file.make_paths_relative()
    bpy.ops.wm.save_mainfile(compress=True)


def same_name(folder, scene_name, colour):
    scene = new_scene()
    thing = plane("Thing")
    image = bpy.data.images.load(picture(place(folder, "textures", "wood.png"), colour))
    thing.data.materials.append(textured(image)[0])
    scene.collection.objects.link(thing)
    save(folder, scene_name)


def linked():
    scene = new_scene()
    prop = plane("Prop")
    image = bpy.data.images.load(picture(place("lib", "textures", "wood.png"), (240, 200, 20)))
    prop.data.materials.append(textured(image)[0])
    props = bpy.data.collections.new("Props")
    props.objects.link(prop)
    scene.collection.children.link(props)
    save("lib", "props.blend")
    scene = new_scene()
    save("linked.blend")
    with bpy.data.libraries.load(place("lib", "props.blend"), link=True, relative=True) as (_, wanted):
        wanted.collections = ["Props"]
    instance = bpy.data.objects.new("Props", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", wanted.collections[0]
    scene.collection.objects.link(instance)
    save("linked.blend")


def udim():
    scene = new_scene()
    picture(place("tiles", "wood.1002.png"), (30, 220, 60))
    image = bpy.data.images.load(picture(place("tiles", "wood.1001.png"), (220, 30, 60)))
    image.source = "TILED"
    image.filepath = place("tiles", "wood.<UDIM>.png")
    if not any(tile.number == 1002 for tile in image.tiles):
        image.tiles.new(1002)
    thing = plane("Thing", tiles=2)
    thing.data.materials.append(textured(image)[0])
    scene.collection.objects.link(thing)
    save("udim.blend")


def sequence():
    scene = new_scene()
    colours = [(250, 20, 20), (20, 250, 20), (20, 20, 250)]
    paths = [picture(place("sequence", "wood_%04d.png" % (n + 1)), colour) for n, colour in enumerate(colours)]
    image = bpy.data.images.load(paths[0])
    image.source = "SEQUENCE"
    material, node = textured(image)
    node.image_user.frame_duration, node.image_user.frame_start = 3, 1
    node.image_user.use_auto_refresh = True
    thing = plane("Thing")
    thing.data.materials.append(material)
    scene.collection.objects.link(thing)
    save("sequence.blend")


def cloth():
    scene = new_scene()
    scene.camera.location, scene.camera.rotation_euler = (0, -7, 0), (1.5708, 0, 0)
    sheet = plane("Sheet", cells=4)
    scene.collection.objects.link(sheet)
    bpy.context.view_layer.objects.active = sheet
    cache = sheet.modifiers.new("Cloth", "CLOTH").point_cache
    cache.frame_start, cache.frame_end = 1, 6
    save("cloth.blend")
    cache.use_disk_cache = True
    bpy.ops.ptcache.bake_all(bake=True)
    save("cloth.blend")


def stereo():
    scene = new_scene()
    scene.render.use_multiview = True
    thing = plane("Thing")
    thing.location = (0, 0, 2)
    thing.scale = (0.3, 0.3, 1)
    scene.collection.objects.link(thing)
    save("stereo.blend")


def passes():
    scene = new_scene()
    scene.collection.objects.link(plane("Thing"))
    scene.use_nodes = True
    nodes, links = scene.node_tree.nodes, scene.node_tree.links
    nodes.clear()
    layers, result = nodes.new("CompositorNodeRLayers"), nodes.new("CompositorNodeComposite")
    links.new(layers.outputs["Image"], result.inputs["Image"])
    writer = nodes.new("CompositorNodeOutputFile")
    writer.name = "Beside"
    writer.base_path = "//beside/"
    writer.file_slots[0].path = "alpha_####"
    writer.format.file_format = "PNG"
    links.new(layers.outputs["Alpha"], writer.inputs[0])
    save("passes.blend")


same_name("one", "wall.blend", (200, 60, 30))
same_name("two", "floor.blend", (30, 60, 200))
linked()
udim()
sequence()
cloth()
stereo()
passes()
