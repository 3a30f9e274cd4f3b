//! A provider that dies at a request that a test names: what the loops of all clouds share.

use std::process::{Command, Stdio};

use simulator::azure;
use simulator::proxy::{Proxy, Seen};

use crate::harness::{Cloud, Login, Run, Stage, until};

/// Where the requests of a provider pass that is to die at one of them.
pub trait Counter {
    /// Counts from here on, and forgets what was to be done.
    fn begin(&self);

    /// Of each request since then, whether it only reads.
    fn reads(&self) -> Vec<bool>;

    /// Does something right before request `number` goes on, counted from 1.
    fn before(&self, number: usize, action: impl FnOnce() + Send + 'static);
}

impl Counter for Proxy {
    fn begin(&self) {
        self.clear();
    }

    fn reads(&self) -> Vec<bool> {
        self.requests().iter().map(Seen::is_read).collect()
    }

    fn before(&self, number: usize, action: impl FnOnce() + Send + 'static) {
        self.run_at(number, action);
    }
}

impl Counter for azure::Instance {
    fn begin(&self) {
        self.clear_requests();
    }

    fn reads(&self) -> Vec<bool> {
        let requests = self.requests();
        requests.iter().map(azure::RequestLog::is_read).collect()
    }

    fn before(&self, number: usize, action: impl FnOnce() + Send + 'static) {
        self.run_at(number, action);
    }
}

/// Plans and applies undisturbed; the numbers of the requests to kill the provider at.
pub fn points_of(stage: &Stage<impl Cloud>, counter: &impl Counter, plan: &[&str]) -> Vec<usize> {
    plan_to(stage, plan);
    counter.begin();
    stage.apply_plan().succeeds();
    turning_points(&counter.reads())
}

fn plan_to(stage: &Stage<impl Cloud>, plan: &[&str]) {
    let mut arguments = vec!["plan", "-out=plan.bin", "-no-color"];
    arguments.extend(plan);
    stage.terraform(&arguments).succeeds();
}

/// Plans, and kills the provider right before request `number` of the apply is passed on;
/// whether the apply had that many.
pub fn is_killed_at(
    stage: &Stage<impl Cloud>,
    counter: &impl Counter,
    number: usize,
    plan: &[&str],
) -> bool {
    plan_to(stage, plan);
    counter.begin();
    let directory = stage.path().display().to_string();
    counter.before(number, move || kill_provider_in(&directory));
    let run = stage.apply_plan();
    // The run is over, so nothing is left that could hit the next one.
    counter.begin();
    !run.0.status.success()
}

/// The numbers of the requests at which an end leaves a world of its own: each write, and
/// the first of each row of reads, which come in any order and change nothing.
pub fn turning_points(reads: &[bool]) -> Vec<usize> {
    let mut points = Vec::new();
    let mut after_read = false;
    for (index, &reads) in reads.iter().enumerate() {
        if !reads || !after_read {
            points.push(index + 1);
        }
        after_read = reads;
    }
    points
}

/// Kills the provider process that Terraform runs in this directory.
fn kill_provider_in(directory: &str) {
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let path = entry.path();
        let is_ours = std::fs::read_link(path.join("cwd"))
            .is_ok_and(|cwd| cwd.display().to_string() == directory)
            && std::fs::read_to_string(path.join("comm"))
                .is_ok_and(|name| name.starts_with("terraform-provi"));
        if is_ours && let Some(pid) = entry.file_name().to_str() {
            Command::new("kill")
                .args(["-KILL", pid])
                .status()
                .expect("kill");
        }
    }
}

/// Applies, and presses Ctrl-C once it is time.
pub fn stopped_once(stage: &Stage<impl Cloud>, what: &str, is_time: impl FnMut() -> bool) -> Run {
    let child = stage
        .command(&["apply", "-auto-approve", "-no-color"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("terraform starts");
    let pid = child.id().to_string();
    until(what, is_time);
    Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .expect("kill");
    let run = Run(child.wait_with_output().expect("terraform ends"));
    assert!(!run.text().contains("plugin crashed"), "{}", run.text());
    run
}

/// Kills runs, each at a later request, until one has marked the bucket; whether one has.
pub fn dies_once_marked(stage: &Stage<impl Cloud<Login = Login>>, counter: &impl Counter) -> bool {
    let marker = || stage.tags()["terraform-provider-wandb"].clone();
    let before = marker();
    (3..20).any(|number| {
        assert!(is_killed_at(stage, counter, number, &[]), "not killed");
        marker() != before
    })
}
