//! `leveret completions SHELL` and `leveret man DIR`: what shells and `man` know of this program and
//! its other names, from the same tables as its help.

use std::io;
use std::path::Path;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, CommandFactory as _, ValueEnum as _};
use clap_complete::{Shell, generate};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::admin;
use super::command::{Group, Kind, Opt};
use super::ctl::{Tool, commands};
use super::failure::{EX_SOFTWARE, EX_USAGE};
use super::help;
use super::options::ServeOptions;
use super::output::{print, print_error};
use super::parse::GLOBAL;

/// `leveret completions SHELL [NAME]`; returns the exit code.
pub(super) fn completions(arguments: &[String]) -> u8 {
    let shell = arguments
        .first()
        .and_then(|name| Shell::from_str(name, true).ok());
    let name = arguments.get(1);
    let wanted = all()
        .into_iter()
        .filter(|page| name.is_none_or(|name| page.command.get_name() == name));
    let wanted: Vec<Page> = wanted.collect();
    let (Some(shell), false) = (shell, wanted.is_empty() || arguments.len() > 2) else {
        let names: Vec<_> = all()
            .iter()
            .map(|page| page.command.get_name().to_owned())
            .collect();
        print_error(&format!(
            "Usage: leveret completions bash|zsh|fish|elvish|powershell [NAME]\n\nNAME is one of {}; \
             without it, all are completed\n",
            names.join(", ")
        ));
        return EX_USAGE;
    };
    for Page { mut command, .. } in wanted {
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        generate(shell, &mut command, name, &mut script);
        print(&String::from_utf8_lossy(&script));
    }
    0
}

/// `leveret man DIR`: a page for each name; returns the exit code.
pub(super) fn man(arguments: &[String]) -> u8 {
    let [directory] = arguments else {
        print_error("Usage: leveret man DIR\n");
        return EX_USAGE;
    };
    match write_pages(Path::new(directory)) {
        Ok(()) => 0,
        Err(error) => {
            print_error(&format!("leveret: {directory}: {error}\n"));
            EX_SOFTWARE
        }
    }
}

fn write_pages(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    for page in all() {
        let path = directory.join(format!("{}.1", page.command.get_name()));
        std::fs::write(&path, page.render()?)?;
        print(&format!("{}\n", path.display()));
    }
    Ok(())
}

/// What there is to tell of one name.
struct Page {
    command: Command,
    /// What its page says besides its options.
    more: Roff,
}

impl Page {
    fn render(self) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        let man = Man::new(self.command);
        man.render_title(&mut text)?;
        man.render_name_section(&mut text)?;
        man.render_synopsis_section(&mut text)?;
        man.render_description_section(&mut text)?;
        man.render_options_section(&mut text)?;
        self.more.to_writer(&mut text)?;
        Ok(text)
    }
}

/// All names.
fn all() -> Vec<Page> {
    let mut pages = vec![program(), server()];
    pages.extend(Tool::ALL.map(tool));
    pages.push(Page {
        command: admin::command(),
        more: paragraphs(&admin::help_text()),
    });
    pages
}

fn server() -> Page {
    Page {
        command: ServeOptions::command()
            .name("rabbitmq-server")
            .about("The broker, by RabbitMQ's name"),
        more: Roff::new(),
    }
}

/// The program by its own name; what its tools can do stands on their own pages.
fn program() -> Page {
    let mut command = ServeOptions::command().subcommand(ServeOptions::command().name("serve"));
    for (name, tool) in [
        ("ctl", Tool::Ctl),
        ("diagnostics", Tool::Diagnostics),
        ("queues", Tool::Queues),
        ("plugins", Tool::Plugins),
        ("upgrade", Tool::Upgrade),
    ] {
        let names = commands(tool).map(|command| command.name);
        let first = Arg::new("command").value_parser(PossibleValuesParser::new(names));
        let about = format!("Does what {} does", tool.name());
        command = command.subcommand(Command::new(name).about(about).arg(first));
    }
    let others = [
        ("admin", "Does what rabbitmqadmin does"),
        ("config", "Shows or checks settings"),
        ("install-links", "Gives this program its other names"),
        ("completions", "Prints completions for a shell"),
        ("man", "Writes manual pages"),
    ];
    let others = others.map(|(name, about)| Command::new(name).about(about));
    Page {
        command: command.subcommands(others),
        more: paragraphs(super::HELP),
    }
}

fn tool(tool: Tool) -> Page {
    let about = match tool {
        Tool::Ctl => "Manages a broker",
        Tool::Diagnostics => "Checks a broker",
        Tool::Queues => "Looks at queues with replicas",
        Tool::Plugins => "Lists plugins",
        Tool::Upgrade => "Takes a broker out of service and back",
    };
    let subcommands = commands(tool).map(|command| {
        let columns = (!command.columns.is_empty()).then(|| {
            let known = PossibleValuesParser::new(command.columns);
            Arg::new("column").num_args(0..).value_parser(known)
        });
        Command::new(command.name)
            .about(command.summary)
            .disable_help_flag(true)
            .args(command.options.iter().map(argument))
            .args(columns)
    });
    Page {
        command: Command::new(tool.name())
            .about(about)
            .disable_help_flag(true)
            .disable_help_subcommand(true)
            .args(GLOBAL.iter().map(|option| argument(option).global(true)))
            .subcommands(subcommands),
        more: command_section(tool),
    }
}

fn argument(option: &Opt) -> Arg {
    let argument = Arg::new(option.name)
        .long(option.name)
        .help(help::of_option(option.name));
    let argument = match option.short {
        Some(letter) => argument.short(letter),
        None => argument,
    };
    match option.kind {
        Kind::Flag => argument.action(ArgAction::SetTrue),
        Kind::Text | Kind::Integer => argument.value_name(option.name),
    }
}

/// Every command of a tool under its heading.
fn command_section(tool: Tool) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["COMMANDS"]);
    for group in Group::ALL {
        let mut members: Vec<_> = commands(tool)
            .filter(|command| command.group == group)
            .collect();
        members.sort_by_key(|command| command.name);
        if members.is_empty() {
            continue;
        }
        roff.control("SS", [group.title()]);
        for command in members {
            roff.control("TP", []);
            roff.text([bold(command.name), roman(format!(" {}", command.usage))]);
            roff.text([roman(format!("{}.", command.summary))]);
            for (what, meaning) in command.help {
                roff.control("br", []);
                roff.text([bold(*what), roman(format!(": {meaning}"))]);
            }
        }
    }
    roff
}

/// A text as it is.
fn paragraphs(text: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["USAGE"]);
    roff.control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_page_that_names_its_commands() {
        for page in all() {
            let name = page.command.get_name().to_owned();
            let subcommands = page.command.get_subcommands();
            let subcommands: Vec<String> = subcommands.map(|it| it.get_name().to_owned()).collect();
            let text = String::from_utf8(page.render().unwrap()).unwrap();
            assert!(
                text.contains(&format!("{} \\- ", name.replace('-', "\\-"))),
                "{name}"
            );
            for command in subcommands {
                assert!(
                    text.contains(&command.replace('-', "\\-")),
                    "{name} {command}"
                );
            }
        }
    }

    #[test]
    fn every_name_is_completed_in_every_shell() {
        for shell in Shell::value_variants() {
            for mut page in all() {
                // Options that collide would panic here.
                page.command.build();
                let name = page.command.get_name().to_owned();
                let mut script = Vec::new();
                generate(*shell, &mut page.command, &name, &mut script);
                assert!(String::from_utf8_lossy(&script).contains(&name));
            }
        }
    }
}
