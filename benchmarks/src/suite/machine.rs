//! The machine that is measured on, and what else it did meanwhile.

use rustix::system::uname;
use std::fs::read_to_string;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};
use wasmaot_bench::results::Machine;

/// Load of others before, from which on results are said to be noisy.
const MAX_LOAD: f64 = 0.5;

/// Share of CPU time that others on the same hardware may take.
const MAX_STEAL: f64 = 0.01;

/// What is known before anything was measured.
pub(crate) struct Before {
    load: f64,
    ticks: Ticks,
}

/// CPU time of the whole machine since it started, in the kernel's ticks.
struct Ticks {
    all: u64,
    stolen: u64,
    idle: u64,
}

/// Nanoseconds of CPU time that the whole machine has been busy since it started, to the kernel's tick.
pub(super) fn busy() -> io::Result<u64> {
    let ticks = Ticks::now()?;
    Ok((ticks.all - ticks.idle - ticks.stolen) * 1_000_000_000 / rustix::param::clock_ticks_per_second())
}

impl Before {
    /// Now.
    pub(crate) fn now() -> io::Result<Self> {
        Ok(Self { load: load()?, ticks: Ticks::now()? })
    }

    /// The machine, at the end of a run that pinned programs to a CPU.
    pub(crate) fn machine(&self, pinned: Option<usize>) -> io::Result<Machine> {
        let ticks = Ticks::now()?;
        let all = (ticks.all - self.ticks.all).max(1) as f64;
        let memory = field("/proc/meminfo", "MemTotal")?;
        let kib: u64 = memory.trim_end_matches("kB").trim().parse().map_err(io::Error::other)?;
        Ok(Machine {
            cpu: field("/proc/cpuinfo", "model name")?,
            cores: std::thread::available_parallelism()?.get(),
            kernel: uname().release().to_string_lossy().into_owned(),
            memory: kib * 1024,
            pinned,
            load_before: self.load,
            load_after: load()?,
            steal: (ticks.stolen - self.ticks.stolen) as f64 / all,
        })
    }
}

/// Why these results are to be taken with care, beside the rows that are marked one by one.
pub(crate) fn noise(machine: &Machine) -> Vec<String> {
    let mut noise = Vec::new();
    if machine.load_before > MAX_LOAD {
        noise.push(format!("the load was {:.2} before the first run", machine.load_before));
    }
    if machine.steal > MAX_STEAL {
        noise.push(format!("the hypervisor gave {:.1} % of the CPU time to others", machine.steal * 100.0));
    }
    noise
}

impl Ticks {
    fn now() -> io::Result<Self> {
        let text = read_to_string("/proc/stat")?;
        let fields = text.lines().next().unwrap_or("").split_whitespace().skip(1);
        let ticks: Vec<u64> = fields.map_while(|field| field.parse().ok()).collect();
        // The time of guests, behind the eighth, is part of that of users.
        let all = ticks.iter().take(8).sum();
        let at = |index: usize| ticks.get(index).copied().unwrap_or(0);
        // The fifth is idle too: it waits for a disk.
        Ok(Self { all, stolen: at(7), idle: at(3) + at(4) })
    }
}

fn load() -> io::Result<f64> {
    let text = read_to_string("/proc/loadavg")?;
    text.split(' ').next().unwrap_or("").parse().map_err(io::Error::other)
}

fn field(file: &str, name: &str) -> io::Result<String> {
    let text = read_to_string(file)?;
    let found = text.lines().filter_map(|line| line.split_once(':')).find(|(found, _)| found.trim() == name);
    Ok(found.map_or("unknown", |(_, value)| value.trim()).to_string())
}

/// A number that is another one each time.
pub(super) fn seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The time now, in UTC, as ISO 8601 writes it.
pub(crate) fn date() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!("{year}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Converts days to year, month and day, counted from 1970-01-01. Years are counted from March, so that a
/// leap day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    const ERA: u64 = 146_097; // 400 years
    let day = days + 719_468; // since 0000-03-01
    let in_era = day % ERA;
    let year_of_era = (in_era - in_era / 1460 + in_era / 36_524 - in_era / (ERA - 1)) / 365;
    let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * in_year + 2) / 153;
    let (month, next_year) = if from_march < 10 { (from_march + 3, 0) } else { (from_march - 9, 1) };
    (day / ERA * 400 + year_of_era + next_year, month, in_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(11_017), (2000, 3, 1));
        assert_eq!(civil(20_781), (2026, 11, 24));
        assert_eq!(civil(47_482), (2100, 1, 1));
    }

    #[test]
    fn a_quiet_machine_has_nothing_to_say() {
        let before = Before::now().expect("Linux");
        let machine = Machine { load_before: 0.1, steal: 0.0, ..before.machine(None).expect("Linux") };
        assert_eq!(noise(&machine), Vec::<String>::new());
        let busy = Machine { load_before: 1.5, steal: 0.2, ..machine };
        assert_eq!(noise(&busy).len(), 2);
    }
}
