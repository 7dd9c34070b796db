// farm's own job type: tasks that farm compiled, cut into chunks here.
//
// farm writes this file into the Manager's scripts/ folder (`farm setup manager`) and compares its label with its own.
// A template is {name, type, commands: [[name, parameters], …]}. In its texts {range} stands for the frames of a chunk as
// Blender wants them (2..5,9), {frames} for the same as Flamenco names tasks (2-5,9).

const JOB_TYPE = {
    label: "farm 1",
    description: "Tasks compiled by farm, the command line for render farms. Not meant to be submitted by hand.",
    settings: [
        { key: "plan", type: "string", required: true, visible: "hidden",
          description: "Task templates as JSON: before, each (once for each chunk of frames), after" },
        { key: "frames", type: "string", required: true, visible: "web",
          description: "Frames as ranges of whole numbers: -5..-1,3,7..9" },
        { key: "chunk_size", type: "int32", default: 1, visible: "web",
          description: "Frames per task" },
    ],
};

function compileJob(job) {
    const plan = JSON.parse(job.settings.plan);
    const size = job.settings.chunk_size;
    if (!(size >= 1)) throw "chunk_size must be at least 1";
    const before = (plan.before || []).map(template => makeTask(template, null));
    const each = [];
    for (const chunk of chunks(job.settings.frames, size)) {
        for (const template of plan.each || []) {
            const task = makeTask(template, chunk);
            before.forEach(earlier => task.addDependency(earlier));
            each.push(task);
        }
    }
    const after = (plan.after || []).map(template => makeTask(template, null));
    after.forEach(task => before.concat(each).forEach(earlier => task.addDependency(earlier)));
    before.concat(each, after).forEach(task => job.addTask(task));
}

// A renderer's steps are its frames: the Manager counts them from 3.8 on.
function makeTask(template, chunk) {
    const range = chunk && print(chunk);
    const task = author.Task(fill(template.name, range), template.type);
    for (const [name, parameters] of template.commands) {
        const steps = chunk && name === "blender-render" ? chunk.length : 0;
        task.addCommand(author.Command(name, fill(parameters, range), steps));
    }
    return task;
}

// The value with the frames in all of its texts.
function fill(value, range) {
    if (range === null) return value;
    if (typeof value === "string") {
        return value.split("{range}").join(range).split("{frames}").join(range.split("..").join("-"));
    }
    if (Array.isArray(value)) return value.map(item => fill(item, range));
    if (value !== null && typeof value === "object") {
        const filled = {};
        for (const key of Object.keys(value)) filled[key] = fill(value[key], range);
        return filled;
    }
    return value;
}

// The sorted frames, cut.
function chunks(text, size) {
    const frames = parse(text);
    const found = [];
    for (let at = 0; at < frames.length; at += size) found.push(frames.slice(at, at + size));
    return found;
}

function parse(text) {
    const frames = {};
    for (const item of text.split(",")) {
        const match = /^\s*(-?\d+)(?:\.\.(-?\d+))?\s*$/.exec(item);
        if (!match) throw "these are no frames: " + item;
        const first = parseInt(match[1], 10);
        const last = match[2] === undefined ? first : parseInt(match[2], 10);
        if (last < first) throw "this range of frames is empty: " + item;
        for (let frame = first; frame <= last; frame++) frames[frame] = true;
    }
    return Object.keys(frames).map(Number).sort((a, b) => a - b);
}

function print(frames) {
    const runs = [];
    for (const frame of frames) {
        const last = runs[runs.length - 1];
        if (last && last[1] + 1 === frame) last[1] = frame;
        else runs.push([frame, frame]);
    }
    return runs.map(run => run[0] === run[1] ? String(run[0]) : run[0] + ".." + run[1]).join(",");
}
