//! What the documentation shows is what the program prints.

use super::directory::Directory;

const README: &str = include_str!("../../README.md");

/// The lines between `start` and the end of its block, without indentation.
fn block<'t>(text: &'t str, start: &str) -> &'t str {
    let from = text.find(start).unwrap();
    let block = &text[from..];
    &block[..block.find("```").unwrap()]
}

/// Each `console` block of a page: its command, and what it shows under that.
fn commands(page: &str) -> Vec<(Vec<String>, &str)> {
    let blocks = page.split("```console\n$ repo-permissions ").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    blocks
        .map(|block| {
            let mut end = 0;
            loop {
                end += block[end..].find('\n').unwrap() + 1;
                if !block[..end].ends_with("\\\n") {
                    break;
                }
            }
            let words = block[..end].replace("\\\n", " ");
            let words = words.split_whitespace().map(str::to_owned).collect();
            (words, &block[end..])
        })
        .collect()
}

/// A page whose first block is `policy.yml`.
fn assert_shows_what_is_printed(name: &str, page: &str) {
    let policy = block(page, "# policy.yml\n");
    let policy = policy.strip_prefix("# policy.yml\n").unwrap();
    let broken = "version: 1\npermissions:\n  - permision: ws:deployments:create\n    branch: 7\n";
    let files = [("policy.yml", policy), ("broken.yml", broken)];
    let directory = Directory::new(&format!("docs-{name}"), &files);
    let commands = commands(page);
    assert!(commands.len() >= 2, "{name}");
    for (words, shown) in commands {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let run = directory.run(&words);
        let printed = run.out + &run.err;
        if printed != shown {
            panic!("{name}: {words:?} prints\n{printed}");
        }
    }
}

#[test]
fn the_pages_show_what_is_printed() {
    assert_shows_what_is_printed("check", include_str!("../../docs/check.md"));
    assert_shows_what_is_printed("lint", include_str!("../../docs/lint.md"));
}

#[test]
fn the_readme_shows_a_real_check() {
    let policy = block(README, "   version: 1\n");
    let policy: Vec<_> = policy
        .lines()
        .map(|line| line.get(3..).unwrap_or_default())
        .collect();
    let policy = policy.join("\n");
    let file = ".github/repo-permissions.yml";
    let directory = Directory::new("docs-readme", &[(file, policy.trim_end())]);
    let command = block(README, "cargo run -- check ").replace("\\\n", " ");
    let arguments: Vec<_> = command.split_whitespace().skip(3).collect();
    assert_eq!(arguments[..3], ["check", "--policy", file]);
    let run = directory.run(&arguments);
    let hash = |text: &str| {
        let (before, after) = text.split_once("sha256 ").unwrap();
        format!("{before}{}", after.get(16..).unwrap())
    };
    assert_eq!(
        hash(block(README, "Repository   acme-org/infra")),
        hash(&run.out)
    );
}

#[test]
fn the_page_of_init_shows_a_real_run() {
    let page = include_str!("../../docs/init.md");
    let directory = Directory::new("docs-init", &[]);
    let examples = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/repository/.github/workflows"
    );
    for file in std::fs::read_dir(examples).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let text = std::fs::read(file.path()).unwrap();
        directory.write(&format!(".github/workflows/{name}"), text);
    }
    let (command, said) = console(page);
    assert_eq!(command, ["repo-permissions", "init"]);
    assert_eq!(directory.prints(&command[1..]), said);
}

#[test]
fn the_page_of_matrix_shows_a_real_run() {
    let page = include_str!("../../docs/matrix.md");
    let (command, said) = console(page);
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_repo-permissions"))
        .args(&command[1..])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), said);
}

/// The command of a page and what it says.
fn console(page: &str) -> (Vec<&str>, &str) {
    let block = block(page, "$ repo-permissions ");
    let (command, said) = block.split_once('\n').unwrap();
    (command.split(' ').skip(1).collect(), said)
}
