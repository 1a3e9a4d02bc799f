//! Memory of the host: what this process may still take, and what it took at most.

use std::fs;

/// What is free to take and all there is, bytes; zeros where it can't be told. A limit on this process's address space
/// or on its control group counts where it is tighter than the machine.
pub(crate) fn host_memory() -> (u64, u64) {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let machine = (kib(&text, "MemAvailable:").unwrap_or(0), kib(&text, "MemTotal:").unwrap_or(0));
    [address_space(), control_group()].into_iter().flatten().fold(machine, |(free, total), (limit_free, limit)| {
        // A machine that does not tell is bound by what does.
        let least = |a: u64, b: u64| if a == 0 { b } else { a.min(b) };
        (least(free, limit_free), least(total, limit))
    })
}

/// Of the limit on address space (`ulimit -v`): what is left, and the limit.
fn address_space() -> Option<(u64, u64)> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let limit: u64 = limit.split_whitespace().next()?.parse().ok()?;
    let used = status("VmSize:")?;
    Some((limit.saturating_sub(used), limit))
}

/// Of the limit on this process's control group (version 2): what is left, caches counted as free, and the limit.
fn control_group() -> Option<(u64, u64)> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let read = |file: &str| fs::read_to_string(format!("/sys/fs/cgroup{group}/{file}")).ok();
    let limit: u64 = read("memory.max")?.trim().parse().ok()?;
    let used: u64 = read("memory.current")?.trim().parse().ok()?;
    let cached = read("memory.stat")?;
    let cached = cached.lines().find_map(|line| line.strip_prefix("inactive_file ")?.parse::<u64>().ok());
    Some((limit.saturating_sub(used.saturating_sub(cached.unwrap_or(0))), limit))
}

/// Most memory that this process has had in use since [`forget_peak`], bytes.
pub(crate) fn peak() -> Option<u64> {
    status("VmHWM:")
}

/// Memory that this process has in use, bytes.
pub(crate) fn resident() -> Option<u64> {
    status("VmRSS:")
}

/// Lets the peak begin anew from what is in use now. False where the kernel does not.
pub(crate) fn forget_peak() -> bool {
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

fn status(field: &str) -> Option<u64> {
    kib(&fs::read_to_string("/proc/self/status").ok()?, field)
}

fn kib(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_free_is_no_more_than_what_there_is() {
        let (free, total) = host_memory();
        assert!(free > 0 && free <= total, "{free} of {total}");
    }

    #[test]
    fn a_large_buffer_shows_in_the_peak_after_it_is_gone() {
        if !forget_peak() {
            eprintln!("skipped: this kernel keeps the peak");
            return;
        }
        // What other tests of this process let go of or measure meanwhile may hide it now and then, not every time.
        let shows = || {
            let before = resident().unwrap();
            drop(std::hint::black_box(vec![1u8; 64 << 20]));
            peak().unwrap() >= before + (60 << 20)
        };
        assert!((0..50).any(|_| shows()), "{:?} of {:?}", peak(), resident());
    }
}
