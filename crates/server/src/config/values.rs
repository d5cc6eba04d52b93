//! Values that several parts of the grammar have.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::duration;
use engine::policy::reader::{Read, Reader};
use engine::policy::token::{ScalarKind, Syntax};
use engine::policy::{PermissionKey, Position, Problem, quoted};

/// Grammar of a configuration.
pub(super) struct ConfigGrammar {
    /// Directory at which relative paths start.
    pub(super) directory: PathBuf,
}

/// A reader of configurations.
pub(super) type ConfigReader<'a, S> = Reader<'a, S, ConfigGrammar>;

/// A value with its position.
pub(super) type At<T> = (T, Position);

/// Reads a string that is not empty.
pub(super) fn read_filled<'a, S: Syntax<'a>, G>(
    reader: &mut Reader<'a, S, G>,
    what: &str,
) -> Read<Option<At<Cow<'a, str>>>> {
    let Some((scalar, at)) = reader.scalar(what, ScalarKind::Text)? else {
        return Ok(None);
    };
    let at = reader.position(at);
    if scalar.text.is_empty() {
        let problem = Problem::new(at, format!("{what} is empty"));
        reader.problem(problem.help("give it a value or leave the key out"))?;
        return Ok(None);
    }
    Ok(Some((scalar.text, at)))
}

/// Reads a duration. A number without a unit could be meant in any of them.
pub(super) fn read_duration<'a, S: Syntax<'a>, G>(
    reader: &mut Reader<'a, S, G>,
    what: &str,
) -> Read<Option<Duration>> {
    let Some((scalar, at)) = reader.any_scalar(what, "a duration")? else {
        return Ok(None);
    };
    let text = &*scalar.text;
    let parsed = duration::parse(text).filter(|_| scalar.kind == ScalarKind::Text);
    if parsed.is_none() {
        let message = format!(
            "{what} is {}, expected a duration from `1s` to `24h`",
            quoted(text)
        );
        let with_units = ["s", "m", "h"].map(|unit| format!("{text}{unit}"));
        let possible: Vec<_> = with_units
            .iter()
            .filter(|text| duration::parse(text).is_some())
            .map(|text| format!("`{text}`"))
            .collect();
        let help = match possible.split_last() {
            Some((last, [])) => format!("write {last}"),
            Some((last, others)) => format!("write {} or {last}", others.join(", ")),
            None => "write `30s`, `10m` or `1h`, at most a day".to_owned(),
        };
        let problem = Problem::new(reader.position(at), message).over(text);
        reader.problem(problem.help(help))?;
    }
    Ok(parsed)
}

/// Reads one permission key.
pub(super) fn read_permission<'a, S: Syntax<'a>, G>(
    reader: &mut Reader<'a, S, G>,
) -> Read<Option<PermissionKey>> {
    let Some((text, at)) = read_filled(reader, "`permission`")? else {
        return Ok(None);
    };
    match PermissionKey::parse(text.clone()) {
        Ok(key) => Ok(Some(key)),
        Err(error) => {
            let problem = Problem::new(at, error.to_string()).over(&text);
            reader.problem(problem.help(error.help()))?;
            Ok(None)
        }
    }
}

/// Reads the path of a file, which starts at the directory of the configuration.
pub(super) fn read_path<'a, S: Syntax<'a>>(
    reader: &mut ConfigReader<'a, S>,
    what: &str,
) -> Read<Option<PathBuf>> {
    let found = read_filled(reader, what)?;
    Ok(found.map(|(text, _)| reader.grammar.directory.join(Path::new(&*text))))
}
