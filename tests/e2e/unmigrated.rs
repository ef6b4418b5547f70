//! A database that nobody has prepared.

use devkit::TestCluster;

use crate::stack::Stack;

#[tokio::test]
async fn nothing_is_ready_before_the_database_is() {
    let stack = Stack::new().await;
    let cluster = TestCluster::shared().await.unwrap();
    let empty = cluster.empty_database().await.unwrap();
    let run = async |command: &str| {
        let args: Vec<&str> = command.split(' ').collect();
        let mut command = stack.command(&args).await;
        command.env("MEDIAMILL_DATABASE_URL", empty.url());
        command.output().await.unwrap()
    };
    for command in [
        "api",
        "worker",
        "runs list",
        "dead-letters summary",
        "queues list",
        "workers list",
        "audit list",
        "keys list",
        "workflows check",
    ] {
        let output = run(command).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command}: {said}");
        assert!(said.contains("run `mediamill migrate`"), "{said}");
        assert!(output.stdout.is_empty(), "{command} said that it is ready");
    }
    assert!(run("migrate").await.status.success());
}
