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

pub(super) fn read_duration<'a, S: Syntax<'a>, G>(
    reader: &mut Reader<'a, S, G>,
    what: &str,
) -> Read<Option<Duration>> {
    let Some((text, at)) = read_filled(reader, what)? else {
        return Ok(None);
    };
    let parsed = duration::parse(&text);
    if parsed.is_none() {
        let message = format!("{what} is {}, expected a duration", quoted(&text));
        let problem = Problem::new(at, message).over(&text);
        reader.problem(problem.help("write `30s`, `10m` or `1h`, at most a day"))?;
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
