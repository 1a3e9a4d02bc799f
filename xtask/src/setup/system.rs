//! What the machine itself must have: found out first, then installed by apt where that is the machine's way.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{process, web};

/// What the coming work asks of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    /// Something is still to be downloaded with pip.
    pub downloads: bool,
    /// The web app is going to be built.
    pub web: bool,
    /// The browser tests are going to run.
    pub browser: bool,
}

/// The systems that apt packages are named for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    Debian,
    Ubuntu,
    Other,
}

/// One thing that is missing here.
struct Missing {
    what: &'static str,
    debian: &'static [&'static str],
    ubuntu: &'static [&'static str],
}

/// Installs what is missing, as far as the machine and its user let us.
///
/// # Errors
/// One sentence with the exact command, or with what to install by hand.
pub fn provide(needs: Needs, yes: bool) -> Result<()> {
    let missing = missing(needs);
    let wasm = needs.web && web::toolchain().is_none();
    if missing.is_empty() && !wasm {
        return Ok(());
    }
    let system = this_system();
    if system == System::Other || !process::on_path("apt-get") {
        return by_hand(&missing, wasm);
    }
    let mut packages: Vec<&str> = missing.iter().flat_map(|missing| missing.packages(system)).copied().collect();
    if wasm && (needs_update() || !packages.is_empty()) && can_install(yes) {
        apt(&["update"])?;
    }
    let from_apt = wasm && web::DEBIAN_PACKAGES.iter().all(|package| has_candidate(package));
    if from_apt {
        packages.extend(web::DEBIAN_PACKAGES);
    }
    if !packages.is_empty() {
        install(&packages, yes)?;
    }
    if wasm && web::toolchain().is_none() {
        add_wasm_target()?;
    }
    let left = self::missing(needs);
    if !left.is_empty() {
        bail!("apt installed its packages, yet {} can't be found on the path", names(&left));
    }
    Ok(())
}

impl Missing {
    fn packages(&self, system: System) -> &'static [&'static str] {
        if system == System::Ubuntu { self.ubuntu } else { self.debian }
    }
}

fn missing(needs: Needs) -> Vec<Missing> {
    let mut missing = Vec::new();
    let mut need = |there: bool, what, debian, ubuntu| {
        if !there {
            missing.push(Missing { what, debian, ubuntu });
        }
    };
    need(
        process::on_path("cc") && process::on_path("c++") && process::on_path("nm"),
        "a C and C++ compiler with binutils",
        &["gcc", "g++", "libc6-dev", "binutils"],
        &["gcc", "g++", "libc6-dev", "binutils"],
    );
    need(process::on_path("pdftotext"), "poppler's pdftotext", &["poppler-utils"], &["poppler-utils"]);
    let pip = || process::answer(process::command("python3").args(["-m", "pip", "--version"])).is_some();
    need(!needs.downloads || pip(), "Python 3 with pip", &["python3", "python3-pip"], &["python3", "python3-pip"]);
    let chromium = ["chromium", "chromium-browser", "google-chrome"].iter().any(|name| process::on_path(name));
    need(
        !needs.browser || (chromium && process::on_path("chromedriver")),
        "Chromium with chromedriver",
        &["chromium", "chromium-driver"],
        &["chromium-browser", "chromium-chromedriver"],
    );
    // What some tests are run with; without it they say that they are skipped.
    need(!needs.browser || process::on_path("strace"), "strace", &["strace"], &["strace"]);
    let venv = || process::answer(process::command("python3").args(["-c", "import pip, ensurepip"])).is_some();
    let python = &["python3", "python3-pip", "python3-venv"];
    need(!needs.browser || venv(), "Python 3 with pip and venv", python, python);
    missing
}

fn names(missing: &[Missing]) -> String {
    missing.iter().map(|missing| missing.what).collect::<Vec<_>>().join(", ")
}

fn by_hand(missing: &[Missing], wasm: bool) -> Result<()> {
    let mut list = names(missing);
    if wasm {
        list += if list.is_empty() { "" } else { ", " };
        list += "the Rust target wasm32-unknown-unknown (`rustup target add wasm32-unknown-unknown`)";
    }
    bail!("set-up installs packages on Debian 12 and Ubuntu 22.04 or later only: here install by hand {list}")
}

fn this_system() -> System {
    fs::read_to_string("/etc/os-release").map_or(System::Other, |text| system_in(&text))
}

fn system_in(os_release: &str) -> System {
    let value = |key: &str| {
        let line = os_release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map(|value| value.trim_matches('"').to_owned())
    };
    // Debian's testing and unstable carry no version: they are later than any.
    let version = value("VERSION_ID").and_then(|version| version.parse::<f32>().ok()).unwrap_or(f32::INFINITY);
    match value("ID").as_deref() {
        Some("debian") if version >= 12.0 => System::Debian,
        Some("ubuntu") if version >= 22.04 => System::Ubuntu,
        _ => System::Other,
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn can_install(yes: bool) -> bool {
    is_root() || (yes && process::on_path("sudo"))
}

fn needs_update() -> bool {
    fs::read_dir("/var/lib/apt/lists").map_or(true, |mut lists| {
        !lists.any(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().contains("Packages")))
    })
}

fn has_candidate(package: &str) -> bool {
    process::answer(process::command("apt-cache").args(["policy", package])).is_some_and(|policy| {
        policy.lines().any(|line| line.trim().starts_with("Candidate:") && !line.contains("(none)"))
    })
}

fn install(packages: &[&str], yes: bool) -> Result<()> {
    let list = packages.join(" ");
    if is_root() || yes {
        eprintln!("Installing system packages: {list}");
    } else if io::stdin().is_terminal() && io::stderr().is_terminal() {
        eprint!("Visiobook needs these system packages: {list}\nInstall them now with sudo apt-get? [Y/n] ");
        io::stderr().flush().context("can't ask")?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).context("can't read the answer")?;
        if !matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes" | "o" | "oui") {
            bail!("not installed: run `sudo apt-get install --no-install-recommends {list}`, then this again");
        }
    } else {
        bail!(
            "missing system packages: run `sudo apt-get install --no-install-recommends {list}`, or this again with --yes"
        );
    }
    if !is_root() && !process::on_path("sudo") {
        bail!("there is no sudo here: as root run `apt-get install --no-install-recommends {list}`, then this again");
    }
    apt(&["update"])?;
    let mut args = vec!["install", "--yes", "--no-install-recommends"];
    args.extend(packages);
    apt(&args)
}

fn apt(args: &[&str]) -> Result<()> {
    let mut command = process::command(if is_root() { "env" } else { "sudo" });
    if !is_root() {
        command.arg("env");
    }
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=120"]).args(args);
    process::run(&mut command).context("apt could not install the system packages (its own words are above)")
}

fn add_wasm_target() -> Result<()> {
    if !process::on_path("rustup") {
        bail!("the web app needs Rust's wasm32-unknown-unknown target: install it the way this Rust was installed");
    }
    process::run(process::command("rustup").args(["target", "add", web::TARGET])).with_context(|| {
        format!("the web app needs Rust's {} target, which neither apt nor rustup could install", web::TARGET)
    })
}

/// The processor and system that the pinned downloads are built for.
pub fn downloads_fit() -> bool {
    cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")) && Path::new("/proc").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_that_the_readme_names_are_told_from_all_others() {
        for (text, system) in [
            ("ID=debian\nVERSION_ID=\"12\"\n", System::Debian),
            ("ID=debian\nPRETTY_NAME=\"Debian GNU/Linux trixie/sid\"\n", System::Debian),
            ("ID=debian\nVERSION_ID=\"11\"\n", System::Other),
            ("NAME=\"Ubuntu\"\nID=ubuntu\nVERSION_ID=\"24.04\"\n", System::Ubuntu),
            ("ID=ubuntu\nVERSION_ID=\"20.04\"\n", System::Other),
            ("ID=fedora\nVERSION_ID=43\n", System::Other),
            ("", System::Other),
        ] {
            assert_eq!(system_in(text), system, "{text}");
        }
    }

    #[test]
    fn elsewhere_one_sentence_lists_what_to_install() {
        let missing = [Missing { what: "Python 3 with pip", debian: &[], ubuntu: &[] }];
        let text = by_hand(&missing, true).expect_err("nothing was installed").to_string();
        assert!(text.contains("Python 3 with pip, the Rust target wasm32") && !text.contains('\n'), "{text}");
    }
}
