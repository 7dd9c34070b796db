//! Flamenco's variables: `{name}` in a command's parameters, filled in by whoever runs it.

use super::LocalSettings;

/// How the volume begins in the paths of a submission, so that a volume that was moved or copied renders where it is now.
pub(super) const VOLUME: &str = "{farmVolume}";

/// The text with every variable that this worker knows filled in; others stay as they are.
pub(super) fn fill_in(text: &str, settings: &LocalSettings) -> String {
    if !text.contains('{') {
        return text.to_owned();
    }
    // Quoted, for the command splits the text as a shell would.
    let arguments = shlex::try_join(settings.blender_args.iter().map(String::as_str)).unwrap_or_default();
    let filled = text.replace("{blender}", &settings.blender).replace("{blenderArgs}", &arguments);
    filled.replace(VOLUME, &settings.volume.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_variables_are_filled_in() {
        let settings = LocalSettings {
            blender: "/opt/blender 4/blender".into(),
            blender_args: vec!["-b".into(), "--python".into(), "a b.py".into()],
            volume: "/v w".into(),
            ..LocalSettings::new("/v/.farm/local")
        };
        assert_eq!(fill_in("{farmVolume}/releases/r1/out", &settings), "/v w/releases/r1/out");
        assert_eq!(fill_in("{blender}", &settings), "/opt/blender 4/blender");
        let filled = fill_in("{blenderArgs} --x {other}", &settings);
        assert_eq!(shlex::split(&filled).unwrap(), ["-b", "--python", "a b.py", "--x", "{other}"]);
    }
}
