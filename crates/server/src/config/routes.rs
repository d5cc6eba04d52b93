//! Grammar of `routes:`.

use super::model::RoutesConfig;
use super::values::{read_filled, read_permission};
use crate::routes::{Family, Route, RouteTable, Template, without_port};
use engine::policy::reader::{Read, Reader};
use engine::policy::token::{Syntax, Token};
use engine::policy::{Position, Problem, quoted};

/// Maximum number of routes: each is compared with every other.
const MAX_ROUTES: usize = 1000;

const EXAMPLE: &str =
    "table: [{ method: POST, path: '/locks/{id}', permission: 'ws:locks:create' }]";

/// Reads `routes:`. Returns `None` after a problem.
pub(super) fn read_routes<'a, S: Syntax<'a>, G>(
    reader: &mut Reader<'a, S, G>,
) -> Read<Option<RoutesConfig>> {
    let before = reader.problem_count();
    let (mut headers, mut table) = (None, None);
    let at = reader.mapping("`routes`", &["headers", "table"], |reader, key, _| {
        match key {
            "headers" => headers = read_family(reader)?,
            _ => table = Some(read_table(reader)?),
        }
        Ok(())
    })?;
    if let (Some(at), true) = (at, reader.problem_count() == before) {
        if headers.is_none() {
            reader.missing(at, "headers", "headers: x-forwarded")?;
        }
        if table.is_none() {
            reader.missing(at, "table", EXAMPLE)?;
        }
    }
    let (Some(headers), Some(routes)) = (headers, table) else {
        return Ok(None);
    };
    if let (Some(at), [], true) = (at, &*routes, reader.problem_count() == before) {
        let problem = Problem::new(
            reader.position(at),
            "`table` is empty: no request matches a route",
        );
        reader.problem(problem.help(format!("write a route, as in `{EXAMPLE}`")))?;
        return Ok(None);
    }
    let (positions, routes): (Vec<_>, Vec<_>) = routes.into_iter().unzip();
    match RouteTable::new(routes) {
        Ok(table) => Ok(Some(RoutesConfig { headers, table })),
        Err(overlap) => {
            let position =
                |number: usize| positions.get(number).copied().unwrap_or(Position::START);
            let first = position(overlap.earlier).line;
            let message = format!(
                "a request can match this route and the one at line {first}, whose permission is another"
            );
            let problem = Problem::new(position(overlap.later), message);
            reader.problem(
                problem.help("let the routes differ in a method, the host or a segment"),
            )?;
            Ok(None)
        }
    }
}

fn read_family<'a, S: Syntax<'a>, G>(reader: &mut Reader<'a, S, G>) -> Read<Option<Family>> {
    let Some((text, at)) = read_filled(reader, "`headers`")? else {
        return Ok(None);
    };
    let families = [Family::Forwarded, Family::Original, Family::Request];
    let family = families.into_iter().find(|family| family.name() == text);
    if family.is_none() {
        let message = format!("`headers` is {}", quoted(&text));
        let problem = Problem::new(at, message).over(&text);
        reader.problem(problem.help("expected `x-forwarded`, `x-original` or `request`"))?;
    }
    Ok(family)
}

fn read_table<'a, S: Syntax<'a>, G>(reader: &mut Reader<'a, S, G>) -> Read<Vec<(Position, Route)>> {
    let mut routes = Vec::new();
    reader.list("`table`", |reader, at| {
        let position = reader.position(at);
        if routes.len() == MAX_ROUTES {
            let message = format!("more than {MAX_ROUTES} routes, which is the limit");
            reader.problem(Problem::new(position, message))?;
        }
        let route = read_route(reader, at)?;
        routes.extend(route.map(|route| (position, route)));
        Ok(())
    })?;
    Ok(routes)
}

fn read_route<'a, S: Syntax<'a>, G>(
    reader: &mut Reader<'a, S, G>,
    at: S::At,
) -> Read<Option<Route>> {
    const KEYS: [&str; 4] = ["method", "host", "path", "permission"];
    let before = reader.problem_count();
    let (mut methods, mut host, mut path, mut permission) = (Vec::new(), None, None, None);
    let mapping = reader.mapping("a route", &KEYS, |reader, key, _| {
        match key {
            "method" => methods = read_methods(reader)?,
            "host" => host = read_host(reader)?,
            "path" => path = read_template(reader)?,
            _ => permission = read_permission(reader)?,
        }
        Ok(())
    })?;
    if mapping.is_some() && reader.problem_count() == before {
        for (is_given, key, example) in [
            (!methods.is_empty(), "method", "method: [POST]"),
            (path.is_some(), "path", "path: /deployments/{id}"),
            (
                permission.is_some(),
                "permission",
                "permission: ws:deployments:create",
            ),
        ] {
            if !is_given {
                reader.missing(at, key, example)?;
            }
        }
    }
    let (Some(path), Some(permission)) = (path, permission) else {
        return Ok(None);
    };
    Ok(Some(Route {
        methods,
        host,
        path,
        permission,
    }))
}

/// Reads a method or a list of them.
fn read_methods<'a, S: Syntax<'a>, G>(reader: &mut Reader<'a, S, G>) -> Read<Vec<String>> {
    let mut methods = Vec::new();
    if !matches!(reader.peek()?.0, Token::ListStart) {
        methods.extend(read_method(reader)?);
        return Ok(methods);
    }
    reader.list("`method`", |reader, _| {
        methods.extend(read_method(reader)?);
        Ok(())
    })?;
    Ok(methods)
}

fn read_method<'a, S: Syntax<'a>, G>(reader: &mut Reader<'a, S, G>) -> Read<Option<String>> {
    let Some((text, at)) = read_filled(reader, "`method`")? else {
        return Ok(None);
    };
    if text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(Some(text.into_owned()));
    }
    let message = format!(
        "`method` is {}, expected a method such as `POST`",
        quoted(&text)
    );
    reader.problem(Problem::new(at, message).over(&text))?;
    Ok(None)
}

fn read_host<'a, S: Syntax<'a>, G>(reader: &mut Reader<'a, S, G>) -> Read<Option<String>> {
    let Some((text, at)) = read_filled(reader, "`host`")? else {
        return Ok(None);
    };
    let host = text.to_ascii_lowercase();
    if without_port(&text).as_ref() == Some(&host) {
        return Ok(Some(host));
    }
    let message = format!(
        "`host` is {}, expected a host without a port",
        quoted(&text)
    );
    let problem = Problem::new(at, message).over(&text);
    reader.problem(problem.help("write `api.example.com`, or leave it out for any host"))?;
    Ok(None)
}

fn read_template<'a, S: Syntax<'a>, G>(reader: &mut Reader<'a, S, G>) -> Read<Option<Template>> {
    let Some((text, at)) = read_filled(reader, "`path`")? else {
        return Ok(None);
    };
    let template = Template::parse(&text);
    if template.is_none() {
        let message = format!(
            "`path` is {}, expected a path such as `/deployments/{{id}}`",
            quoted(&text)
        );
        let problem = Problem::new(at, message).over(&text);
        reader.problem(problem.help(
            "a segment is `{NAME}` or has the characters `A-Z a-z 0-9 - . _ ~` only: others can be read in two ways",
        ))?;
    }
    Ok(template)
}
