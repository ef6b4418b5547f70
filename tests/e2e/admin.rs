//! What an operator does on the command line.

use std::{
    process::{Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workflows::{Attempt, Done, Engine, EngineConfig, NextOnError, Step, StepError, Workflow};

use crate::stack::Stack;

/// Dies as long as it is told to.
struct Deliver;

impl Step for Deliver {
    const NAME: &'static str = "deliver";
    const QUEUE: &'static str = "vans";
    type Context = AtomicBool;
    type Input = String;
    type Output = ();

    async fn run(cx: &Attempt<AtomicBool>, what: String) -> Result<Done<()>, StepError> {
        if cx.context.load(Ordering::SeqCst) {
            return Err(format!("no van for {what}")).or_fail();
        }
        Ok(Done::new(()))
    }
}

/// A command that goes well, and what it prints.
async fn well(stack: &Stack, command: &str) -> String {
    let output = stack.run(command).await;
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

async fn json_of(stack: &Stack, command: &str) -> Value {
    let line = well(stack, &format!("{command} --json")).await;
    assert_eq!(line.lines().count(), 1, "{line}");
    serde_json::from_str(&line).unwrap()
}

/// A command that is refused in one sentence.
async fn refused(stack: &Stack, command: &str) -> String {
    let Output { status, stderr, .. } = stack.run(command).await;
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{command}: {said}");
    assert_eq!(said.lines().count(), 1, "{command}: {said}");
    said
}

async fn start(stack: &Stack, workflow: &Workflow<String>) -> Uuid {
    let (starter, what) = (workflow.starter(), "a parcel".to_owned());
    let mut tx = stack.pool.begin().await.unwrap();
    let run = starter.start(&mut tx, Uuid::now_v7(), "ann", &what);
    let run_id = run.await.unwrap().0;
    tx.commit().await.unwrap();
    run_id
}

#[tokio::test]
async fn an_operator_finds_out_and_repairs() {
    let stack = Stack::new().await;
    let broken = Arc::new(AtomicBool::new(true));
    let workflow = Workflow::named("parcel", 1)
        .step::<Deliver>()
        .build()
        .with_context(broken.clone());
    let config = EngineConfig {
        sweep: Duration::from_millis(100),
        ..EngineConfig::default()
    };
    let engine = Engine::new(&stack.pool, config).register(&workflow);
    let stop = CancellationToken::new();
    let engine = tokio::spawn(engine.run(stop.clone(), stop.clone()));

    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(start(&stack, &workflow).await);
    }
    stack
        .until("SELECT count(*) = 3 FROM workflows.runs WHERE state = 'dead'")
        .await;
    finds_out(&stack, &runs).await;
    leaves_a_redrive_going_on(&stack).await;
    broken.store(false, Ordering::SeqCst);
    repairs(&stack, &runs).await;
    holds_a_queue(&stack, &workflow).await;
    broken.store(true, Ordering::SeqCst);
    gives_up(&stack, &workflow).await;

    well(&stack, "workflows check").await;
    stop.cancel();
    engine.await.unwrap().unwrap();
}

async fn finds_out(stack: &Stack, runs: &[Uuid]) {
    let listed = well(stack, "dead-letters list --step deliver --younger-than 1h").await;
    assert_eq!(listed.lines().count(), 4, "{listed}");
    assert!(listed.contains("no van for a parcel"), "{listed}");
    let summary = well(stack, "dead-letters summary").await;
    assert_eq!(summary.lines().count(), 2, "{summary}");
    assert!(
        summary.contains("deliver: no van for a parcel"),
        "{summary}"
    );
    let short =
        summary.lines().nth(1).unwrap().split("  ").find(|cell| {
            cell.trim().len() == 8 && cell.trim().bytes().all(|b| b.is_ascii_hexdigit())
        });
    let short = short.expect("a short id").trim();
    let counted = format!("dead-letters redrive --all --fingerprint {short} --dry-run");
    assert_eq!(well(stack, &counted).await, "3 dead letter(s) match\n");
    let summary = json_of(stack, "dead-letters summary --step deliver").await;
    assert_eq!(summary["items"][0]["letters"], 3);
    let workers = well(stack, "workers list").await;
    assert!(
        workers.contains("vans 1") && workers.contains("yes"),
        "{workers}"
    );
    let none = well(stack, "dead-letters list --older-than 1h").await;
    assert_eq!(none.lines().count(), 1, "{none}");
    let why = well(stack, &format!("runs explain {}", runs[0])).await;
    assert!(
        why.starts_with("deliver died (no van for a parcel)"),
        "{why}"
    );
    let explained = json_of(stack, &format!("runs explain {}", runs[0])).await;
    assert_eq!(explained["answer"]["code"], "dead");
    let shown = well(stack, &format!("runs show {}", runs[0])).await;
    assert!(shown.contains("state     dead"), "{shown}");
    let dead = json_of(stack, "runs list --state dead").await;
    assert_eq!(dead["items"].as_array().unwrap().len(), 3);

    // Our build has no parcels.
    let check = stack.run("workflows check").await;
    assert_eq!(check.status.code(), Some(1));
    let said = String::from_utf8(check.stdout).unwrap();
    assert!(
        said.contains("parcel v1") && said.contains("deliver"),
        "{said}"
    );
}

/// Ctrl-C ends the command, not the job.
async fn leaves_a_redrive_going_on(stack: &Stack) {
    let words = "dead-letters redrive --all --rate 0.001 --reason slowly --json";
    let args: Vec<&str> = words.split(' ').collect();
    let mut command = stack.command(&args).await;
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let child = child.unwrap();
    stack
        .until("SELECT count(*) = 1 FROM workflows.redrives")
        .await;
    let pid = Pid::from_raw(child.id().unwrap().cast_signed());
    kill(pid, Signal::SIGINT).unwrap();
    let Output { status, stdout, .. } = child.wait_with_output().await.unwrap();
    assert!(status.success());
    let redrive: Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!(
        (&redrive["matched"], redrive.get("ended_at")),
        (&json!(3), None)
    );
    let id = redrive["redrive_id"].as_str().unwrap();
    // Whoever lost the id finds it again.
    let listed = json_of(stack, "dead-letters redrives --going-on").await;
    assert_eq!(listed["items"], json!([redrive]));
    let shown = well(stack, &format!("dead-letters redrives show {id}")).await;
    assert!(shown.contains("done       0 of 3"), "{shown}");
    let stopped = well(
        stack,
        &format!("dead-letters redrives stop {id} --reason enough"),
    )
    .await;
    assert!(stopped.ends_with("has ended: 0 re-driven\n"), "{stopped}");
    let listed = well(stack, "dead-letters redrives --going-on").await;
    assert_eq!(listed.lines().count(), 1, "{listed}");
    let listed = well(stack, "dead-letters redrives").await;
    assert!(listed.contains("0 of 3"), "{listed}");
    let audit = well(stack, "audit list --limit 1").await;
    assert!(
        audit.contains("redrive.stop") && audit.contains("enough"),
        "{audit}"
    );
}

async fn repairs(stack: &Stack, runs: &[Uuid]) {
    let of = |run: Uuid| async move {
        let letters = json_of(stack, "dead-letters list").await;
        let letters = letters["items"].as_array().unwrap().clone();
        let letter = letters
            .into_iter()
            .find(|letter| letter["run_id"] == json!(run));
        letter.unwrap()["letter_id"].as_str().unwrap().to_owned()
    };
    let one = of(runs[1]).await;
    let redrive = format!("dead-letters redrive {one} --reason repaired --actor ann");
    well(stack, &redrive).await;
    stack
        .until("SELECT count(*) = 1 FROM workflows.runs WHERE state = 'succeeded'")
        .await;
    let said = refused(stack, &redrive).await;
    assert_eq!(said, "mediamill: the run has ended: it is succeeded\n");
    let shown = json_of(stack, &format!("dead-letters show {one}")).await;
    assert_eq!(shown["letter"]["resolved_by"], "ann");

    let other = of(runs[2]).await;
    well(
        stack,
        &format!("dead-letters discard {other} --reason lost"),
    )
    .await;
    let nobody = Uuid::now_v7();
    let said = refused(
        stack,
        &format!("dead-letters discard {nobody} --reason lost"),
    )
    .await;
    assert_eq!(
        said,
        format!("mediamill: there is no dead letter {nobody}\n")
    );

    let again = format!(
        "runs restart {} --from-step deliver --reason found",
        runs[2]
    );
    well(stack, &again).await;
    stack
        .until("SELECT count(*) = 2 FROM workflows.runs WHERE state = 'succeeded'")
        .await;

    let counted = well(stack, "dead-letters redrive --all --owner ann --dry-run").await;
    assert_eq!(counted, "1 dead letter(s) match\n");
    let all = "dead-letters redrive --all --owner ann --rate 100 --reason repaired";
    let ended = json_of(stack, all).await;
    assert!(
        ended["ended_at"].is_string() && ended["redriven"] == 1,
        "{ended}"
    );
    stack
        .until("SELECT count(*) = 3 FROM workflows.runs WHERE state = 'succeeded'")
        .await;
    let said = refused(stack, &format!("runs cancel {} --reason late", runs[0])).await;
    assert_eq!(said, "mediamill: the run has ended: it is succeeded\n");
}

async fn holds_a_queue(stack: &Stack, workflow: &Workflow<String>) {
    well(stack, "queues pause vans --reason frost").await;
    let queues = well(stack, "queues list").await;
    assert!(queues.contains("frost"), "{queues}");
    let run = start(stack, workflow).await;
    let why = well(stack, &format!("runs explain {run}")).await;
    assert!(why.contains("paused the queue vans"), "{why}");
    well(stack, "queues resume vans --reason thaw").await;
    stack
        .until("SELECT count(*) = 4 FROM workflows.runs WHERE state = 'succeeded'")
        .await;
}

async fn gives_up(stack: &Stack, workflow: &Workflow<String>) {
    for _ in 0..3 {
        start(stack, workflow).await;
    }
    stack
        .until("SELECT count(*) = 3 FROM workflows.runs WHERE state = 'dead'")
        .await;
    let counted = well(stack, "dead-letters discard --all --step deliver --dry-run").await;
    assert_eq!(counted, "3 dead letter(s) match\n");
    let done = well(
        stack,
        "dead-letters discard --all --step deliver --reason lost",
    )
    .await;
    assert_eq!(done, "3 run(s) cancelled, 0 letter(s) left\n");
}
