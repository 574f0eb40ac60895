//! The Spark job on a real cluster: a master and two workers on loopback. Its report is, byte for byte, that of one
//! machine, also when a worker is killed on the way, and when tasks run twice.
//!
//! Needs Java 17, and a Python with pyspark, pyarrow and pandas: `AUTHFAULT_SPARK_PYTHON`, or the one that `.ci/run` makes
//! below target/. It is skipped where these are absent, unless AUTHFAULT_REQUIRE names `spark`.

use crate::support::{generator, gzip, is_required, put, root, run, workshop};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Longer than any job here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(150);

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The Python that has pyspark, and the folder of Spark in it.
fn python() -> Result<(PathBuf, PathBuf), String> {
    let named = std::env::var_os("AUTHFAULT_SPARK_PYTHON").map(PathBuf::from);
    let made = root().join("target/spark/bin/python");
    let python = named.unwrap_or(if made.exists() { made } else { PathBuf::from("python3") });
    let ask = "import pyarrow, pandas, pyspark, os; print(os.path.dirname(pyspark.__file__))";
    let answer = Command::new(&python).args(["-c", ask]).output().map_err(|e| format!("{}: {e}", python.display()))?;
    if !answer.status.success() {
        return Err(format!("{} has no pyspark with pyarrow and pandas", python.display()));
    }
    Command::new("java").arg("-version").output().map_err(|e| format!("java: {e}"))?;
    Ok((python, PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim())))
}

struct Cluster {
    folder: PathBuf,
    python: PathBuf,
    spark: PathBuf,
    address: String,
    _master: Running,
    workers: Vec<Running>,
}

impl Cluster {
    fn start(folder: &Path, (python, spark): (PathBuf, PathBuf)) -> Self {
        let ports = free_ports();
        let address = format!("spark://127.0.0.1:{}", ports[0]);
        let class = |name: &str, args: &[&str]| {
            let log = File::create(folder.join(format!("{name}.log"))).unwrap();
            let kind =
                format!("org.apache.spark.deploy.{}", if name == "master" { "master.Master" } else { "worker.Worker" });
            let mut command = spark_command(&spark.join("bin/spark-class"), &python, &spark);
            command.arg(kind).args(["--host", "127.0.0.1"]).args(args).stdout(log.try_clone().unwrap()).stderr(log);
            Running(command.spawn().unwrap())
        };
        let master = class("master", &["--port", &ports[0], "--webui-port", &ports[1]]);
        wait_for(&folder.join("master.log"), "Starting Spark master");
        let workers = [("worker1", &ports[2..4]), ("worker2", &ports[4..6])].map(|(name, ports)| {
            let work = folder.join(name);
            let work = work.to_str().unwrap();
            class(
                name,
                &[
                    "--port",
                    &ports[0],
                    "--webui-port",
                    &ports[1],
                    "--cores",
                    "1",
                    "--memory",
                    "1g",
                    "--work-dir",
                    work,
                    &address,
                ],
            )
        });
        for name in ["worker1", "worker2"] {
            wait_for(&folder.join(format!("{name}.log")), "Successfully registered with master");
        }
        Self { folder: folder.to_owned(), python, spark, address, _master: master, workers: workers.into() }
    }

    /// Runs the job on what can all be read; `meanwhile` is told each line of its log. Gives the report and the log.
    fn report(&mut self, confs: &[&str], meanwhile: impl Fn(&mut Self, &str)) -> (Vec<u8>, String) {
        let (code, report, log) = self.run(confs, 1 << 20, &[uri(&self.folder.join("logs"))], meanwhile);
        assert_eq!(code, Some(0), "{log}");
        (report, log)
    }

    /// Runs it on some paths, a plain file cut into ranges of so many bytes. Gives its status as well.
    fn run(
        &mut self,
        confs: &[&str],
        split_bytes: u32,
        uris: &[String],
        meanwhile: impl Fn(&mut Self, &str),
    ) -> (Option<i32>, Vec<u8>, String) {
        let binary = env!("CARGO_BIN_EXE_authfault");
        let (job, report) = (self.folder.join("job.py"), self.folder.join("report.json"));
        fs::write(&job, run(["spark-job"]).out).unwrap();
        fs::remove_file(&report).ok();
        let mut command = spark_command(Path::new("timeout"), &self.python, &self.spark);
        command.arg(PATIENCE.as_secs().to_string()).arg(self.spark.join("bin/spark-submit"));
        command.args(["--master", &self.address, "--driver-memory", "600m", "--executor-memory", "700m"]);
        let usual = ["spark.driver.host=127.0.0.1", "spark.driver.bindAddress=127.0.0.1", "spark.ui.enabled=false"];
        usual.iter().chain(confs).for_each(|conf| {
            command.args(["--conf", conf]);
        });
        command.args(["--files", binary]).arg(&job).args(["--authfault", binary, "--split", &split_bytes.to_string()]);
        command.arg("-o").arg(&report).args(uris);
        // What the job itself says comes there, whichever way it says it.
        let said = self.folder.join("said");
        let mut child = Running(command.stdout(File::create(&said).unwrap()).stderr(Stdio::piped()).spawn().unwrap());
        let mut log = String::new();
        for line in BufReader::new(child.0.stderr.take().unwrap()).lines().map_while(Result::ok) {
            meanwhile(self, &line);
            log += &format!("{line}\n");
        }
        let code = child.0.wait().unwrap().code();
        log += &fs::read_to_string(said).unwrap();
        (code, fs::read(report).unwrap_or_else(|_| panic!("no report: {log}")), log)
    }
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// A folder by way of WebHDFS, which nobody but Hadoop's client reads: the server, and the address of its root.
fn webhdfs(folder: &Path, python: &Path) -> (Running, String) {
    let mut command = Command::new(python);
    command.arg(root().join("tests/webhdfs.py")).arg(folder).stdout(Stdio::piped());
    let mut server = Running(command.spawn().unwrap());
    let mut port = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut port).unwrap();
    (server, format!("webhdfs://127.0.0.1:{}", port.trim()))
}

/// Ports that nobody listens on.
fn free_ports() -> Vec<String> {
    let held: Vec<TcpListener> = (0..6).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    held.iter().map(|port| port.local_addr().unwrap().port().to_string()).collect()
}

fn spark_command(program: &Path, python: &Path, spark: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("SPARK_HOME", spark).env("SPARK_LOCAL_IP", "127.0.0.1").env("SPARK_DAEMON_MEMORY", "256m");
    command.env("PYSPARK_PYTHON", python).env("PYSPARK_DRIVER_PYTHON", python).stdin(Stdio::null());
    command
}

fn wait_for(log: &Path, words: &str) {
    let started = Instant::now();
    while !fs::read_to_string(log).is_ok_and(|text| text.contains(words)) {
        assert!(started.elapsed() < PATIENCE, "{}", fs::read_to_string(log).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Twelve files, some packed, and a large one that is cut into many ranges; a line that is none, and one without an end.
fn put_logs(folder: &Path) {
    use generator::{Settings, Size};
    fs::create_dir(folder).unwrap();
    for seed in 1..=12 {
        let settings = Settings {
            size: Size::Bytes(100_000),
            seed,
            clients: 500,
            days: 2,
            fault_minutes: 60,
            ..Settings::default()
        };
        let (mut text, name) = (generator::log(&settings).0, format!("access-{seed:02}.log"));
        match seed % 4 {
            0 => drop(put(folder, &format!("{name}.gz"), &gzip(&text))),
            1 => {
                text.extend_from_slice(b"\xff is no line\r\n\n192.0.2.1 and no end");
                put(folder, &name, &text);
            }
            _ => drop(put(folder, &name, &text)),
        }
    }
    let size = Size::Bytes(16 << 20);
    let settings = Settings { size, seed: 77, clients: 4000, days: 2, fault_minutes: 60, ..Settings::default() };
    put(folder, "large-access.log", &generator::log(&settings).0);
}

/// Objects that open and cannot be read, as far as a local disk can have them for root too: one whose checksum, which
/// Hadoop keeps beside it, is another, and a packed one that is too large to be handed over whole.
fn put_unreadable(folder: &Path) {
    fs::create_dir(folder).unwrap();
    put(folder, "damaged.log", b"no reader gets to see this");
    put(folder, ".damaged.log.crc", b"crc\0\0\0\x02\0\xba\xad\xba\xad");
    let large = put(folder, "large.log.gz", b"\x1f\x8b");
    File::options().write(true).open(large).unwrap().set_len(3 << 30).unwrap();
}

#[test]
fn a_cluster_reports_what_one_machine_does() {
    let found = match python() {
        Ok(found) => found,
        Err(missing) => {
            assert!(!is_required("spark"), "AUTHFAULT_REQUIRE asks for spark: {missing}");
            eprintln!("skipped: {missing}");
            return;
        }
    };
    let dir = workshop();
    let logs = dir.path().join("logs");
    put_logs(&logs);
    let alone = run(["--output", "json", logs.to_str().unwrap()]);
    assert_eq!((alone.code, alone.err.as_str()), (Some(0), ""));

    let mut cluster = Cluster::start(dir.path(), found);
    // As soon as there is something to compare with, whatever is slower than half of it runs twice.
    let eager = ["spark.speculation=true", "spark.speculation.quantile=0.1", "spark.speculation.multiplier=1.01"];
    let eager = [&eager[..], &["spark.speculation.interval=20ms", "spark.speculation.minTaskRuntime=0"]].concat();
    let (report, log) = cluster.report(&eager, |_, _| {});
    assert!(report == alone.out.as_bytes(), "with tasks that run twice");
    assert!(log.contains("speculat"), "no task ran twice");

    // More parts than one task merges, and objects that no task is to meet.
    let (unreadable, nowhere) = (dir.path().join("unreadable"), dir.path().join("nowhere.log"));
    put_unreadable(&unreadable);
    let (code, report, log) =
        cluster.run(&[], 200_000, &[logs.clone(), unreadable, nowhere].map(|path| uri(&path)), |_, _| {});
    assert_eq!(code, Some(2), "{log}");
    let named = |name: &str, why: &str| {
        let is_it = |line: &&str| line.starts_with("authfault: ") && line.contains(name) && line.contains(why);
        assert!(log.lines().any(|line| is_it(&line)), "{name}: {why}: {log}");
    };
    named("unreadable/damaged.log", "cannot read it");
    named("unreadable/large.log.gz", "expected less than 2 GiB");
    named("nowhere.log", "no such file");
    assert!(log.contains(" in stage 0.0 (TID 64)"), "fewer parts than are merged on the cluster: {log}");
    assert!(report == alone.out.as_bytes(), "with parts that are merged on the cluster");

    // Logs that no path of this machine leads to.
    let (_server, address) = webhdfs(dir.path(), &cluster.python);
    let (code, report, log) = cluster.run(&[], 4 << 20, &[format!("{address}/logs")], |_, _| {});
    assert_eq!(code, Some(0), "{log}");
    let report = String::from_utf8(report).unwrap();
    assert!(report.contains(&format!("{address}/logs/access-01.log")), "{report}");
    let here = dir.path().to_str().unwrap();
    assert!(report.replace(&address, here) == alone.out, "from a file system of Hadoop's");

    let (report, log) = cluster.report(&[], |cluster, line| {
        if line.contains("Finished task 3.0 in stage 0.0") && cluster.workers.len() == 2 {
            drop(cluster.workers.pop());
        }
    });
    assert_eq!(cluster.workers.len(), 1, "{log}");
    assert!(log.contains("Lost executor") || log.contains("lost"), "{log}");
    assert!(report == alone.out.as_bytes(), "with a worker killed");
}
