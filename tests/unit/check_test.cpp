// `check` from end to end over loopback: recorded clusters, and everything that is not a cluster.
#include "agent/check.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>

#include "agent/capability.hpp"
#include "agent/delivery/document.hpp"
#include "agent/delivery/report.hpp"
#include "agent/net/server.hpp"
#include "detectors/registry.hpp"
#include "tests/unit/loopback.hpp"
#include "tests/unit/rest_fixtures.hpp"

namespace doctor {
namespace {

struct Answer {
  int status{200};
  std::string body;
};

/// Answers each path with one body, whatever the query says.
class Answers {
 public:
  std::map<std::string, Answer> by_path;
  Answer otherwise{404, R"({"errors":["Not found"]})"};

  void record(const RecordedCluster& cluster) {
    FakeHttp script;
    cluster.play(script);
    for (const auto& [target, replies] : script.script) {
      by_path[target.substr(0, target.find('?'))] = {replies.back().status, replies.back().body};
    }
  }
  std::unique_ptr<Server> serve() {
    Result<std::unique_ptr<Server>> server =
        Server::start("127.0.0.1", 0, limits_, [this](const InboundRequest& request) {
          const auto found = by_path.find(request.path);
          const Answer& answer = found == by_path.end() ? otherwise : found->second;
          return InboundResponse{answer.status, "application/json",
                                 std::make_shared<const std::string>(answer.body)};
        });
    EXPECT_TRUE(server) << (server ? "" : server.error().message);
    return server ? std::move(*server) : nullptr;
  }

 private:
  Limits limits_;
};

CheckResult check_port(std::uint16_t port, bool strict = false) {
  CheckOptions options;
  Result<ClusterConfig> cluster = cluster_from_url("http://127.0.0.1:" + std::to_string(port));
  EXPECT_TRUE(cluster);
  options.config.clusters.push_back(std::move(*cluster));
  options.config.limits.rest_deadline_ms = 3000;
  options.wait_ms = 10;
  options.strict = strict;
  options.progress = false;
  return check(std::move(options));
}

void expect_cannot_judge(const std::string& body, int status, const std::string& reason) {
  Answers answers;
  answers.otherwise = {status, body};
  const auto server = answers.serve();
  const CheckResult result = check_port(server->port());
  EXPECT_EQ(result.exit_code, kExitCannotJudge) << body.substr(0, 60);
  EXPECT_NE(result.why.find(reason), std::string::npos) << result.why;
  ASSERT_TRUE(result.view);
  EXPECT_TRUE(result.view->findings.empty()) << "nothing may be invented";
}

class CheckRecorded : public testing::TestWithParam<std::string> {};

TEST_P(CheckRecorded, DiagnosesFromWhatFlinkRemembers) {
  Answers answers;
  const RecordedCluster cluster{GetParam()};
  answers.record(cluster);
  const auto server = answers.serve();
  const CheckResult result = check_port(server->port());
  ASSERT_TRUE(result.view);
  EXPECT_EQ(result.exit_code, kExitCritical) << result.why;
  ASSERT_EQ(result.view->clusters.size(), 1U);
  ASSERT_TRUE(result.view->clusters[0].version);
  EXPECT_TRUE(result.view->clusters[0].version->text.starts_with(GetParam()));
  std::map<std::string, std::string> found;  // detector → jobs
  for (const ReportedFinding& reported : result.view->findings) {
    found[reported.finding.detector] += reported.finding.subject.job_name + " ";
  }
  EXPECT_NE(found["job_down"].find("payments-failed"), std::string::npos);
  // The recording is old: what is judged against the present (checkpoints) is left out.
  for (const std::string well : {"orders-healthy", "payments-finished", "payments-canceled"}) {
    EXPECT_EQ(found["job_down"].find(well), std::string::npos) << well;
    EXPECT_EQ(found["restart_loop"].find(well), std::string::npos) << well;
  }
  EXPECT_FALSE(text_report(*result.view, {}).empty());
  EXPECT_NE(findings_document(*result.view).find("\"version\": 1"), std::string::npos);
}

TEST_P(CheckRecorded, StrictRefusesBlindness) {
  Answers answers;
  answers.record(RecordedCluster{GetParam()});
  // Without these pages RocksDB's native metrics are out of sight.
  std::erase_if(answers.by_path,
                [](const auto& entry) { return entry.first.ends_with("/subtasks/metrics"); });
  const auto server = answers.serve();
  const CheckResult result = check_port(server->port(), true);
  EXPECT_EQ(result.exit_code, kExitCannotJudge);
  EXPECT_NE(result.why.find("--strict"), std::string::npos) << result.why;
}

/// What the matrix promises of REST alone, held against a real cluster's answers with nothing else.
TEST_P(CheckRecorded, ThroughRestAloneTheMatrixIsTrue) {
  Answers answers;
  answers.record(RecordedCluster{GetParam()});
  const auto server = answers.serve();
  const CheckResult result = check_port(server->port());
  ASSERT_TRUE(result.view);
  const std::vector<DetectorReport>& reports = result.view->clusters.at(0).detectors;
  ASSERT_EQ(reports.size(), all_detectors().size());
  std::size_t blind = 0;
  for (const DetectorReport& report : reports) {
    const Capability promised = capability(*find_detector(report.detector), Sources::rest);
    if (promised == Capability::judges) {
      EXPECT_NE(report.state, DetectorState::blind) << report.detector << ": " << report.why;
    }
    if (promised != Capability::blind) continue;
    ++blind;
    EXPECT_EQ(report.state, DetectorState::blind) << report.detector << ": " << report.why;
    EXPECT_FALSE(report.why.empty()) << report.detector;
    EXPECT_FALSE(report.enable.empty()) << report.detector;
  }
  EXPECT_GE(blind, 1U) << "native_leak needs the kernel's word";
}

INSTANTIATE_TEST_SUITE_P(Versions, CheckRecorded, testing::Values("1.20", "2.2"));

ClusterConfig named(const std::string& name, std::uint16_t port) {
  Result<ClusterConfig> cluster = cluster_from_url("http://127.0.0.1:" + std::to_string(port));
  EXPECT_TRUE(cluster);
  cluster->name = name;
  return std::move(*cluster);
}

CheckResult check_all(std::vector<ClusterConfig> clusters) {
  CheckOptions options;
  options.config.clusters = std::move(clusters);
  options.config.limits.rest_deadline_ms = 3000;
  options.wait_ms = 10;
  options.progress = false;
  return check(std::move(options));
}

TEST(CheckSeveral, TheWorstClusterDecidesAndIsNamed) {
  Answers sick, idle;
  sick.record(RecordedCluster{"1.20"});
  idle.record(RecordedCluster{"2.2"});
  for (const auto& [name, id] : RecordedCluster{"2.2"}.job_ids()) idle.by_path.erase("/jobs/" + id);
  idle.by_path["/jobs/overview"] = {200, R"({"jobs":[]})"};
  const auto of_sick = sick.serve();
  const auto of_idle = idle.serve();
  const CheckResult both =
      check_all({named("idle", of_idle->port()), named("sick", of_sick->port())});
  ASSERT_TRUE(both.view);
  ASSERT_EQ(both.view->clusters.size(), 2U);
  EXPECT_EQ(both.view->clusters[0].version->text.substr(0, 3), "2.2");
  EXPECT_EQ(both.view->clusters[1].version->text.substr(0, 4), "1.20");
  EXPECT_EQ(both.exit_code, kExitCritical) << both.why;
  EXPECT_TRUE(both.why.starts_with("sick: critical: ")) << both.why;
  for (const ReportedFinding& reported : both.view->findings) {
    EXPECT_EQ(reported.finding.subject.cluster, "sick") << reported.finding.summary;
  }
  const CheckResult with_gone =
      check_all({named("idle", of_idle->port()), named("gone", 1), named("sick", of_sick->port())});
  EXPECT_EQ(with_gone.exit_code, kExitCannotJudge);
  EXPECT_TRUE(with_gone.why.starts_with("gone: cannot judge: refused")) << with_gone.why;
  EXPECT_FALSE(with_gone.view->findings.empty()) << "the others are judged all the same";
}

TEST(CheckSeveral, AClusterOnYarnHasNoAddressOfItsOwn) {
  ClusterConfig cluster;
  cluster.name = "on-yarn";
  cluster.yarn.emplace();
  cluster.yarn->application = "orders";
  cluster.yarn->resource_managers = named("", 1).flink;
  const CheckResult result = check_all({cluster});
  EXPECT_EQ(result.exit_code, kExitCannotJudge);
  EXPECT_NE(result.why.find("cannot judge: "), std::string::npos) << result.why;
  cluster.yarn->resource_managers.clear();
  EXPECT_EQ(check_all({cluster}).exit_code, kExitCannotJudge);
  EXPECT_EQ(check_all({}).exit_code, kExitCannotJudge);
}

TEST(Check, ARefusedConnectionIsNamed) {
  const CheckResult result = check_port(1);
  EXPECT_EQ(result.exit_code, kExitCannotJudge);
  EXPECT_NE(result.why.find("refused"), std::string::npos) << result.why;
}

TEST(Check, WhatIsNotFlinkIsSaid) {
  expect_cannot_judge("<html><body>It works!</body></html>", 200, "not_flink");
  expect_cannot_judge(std::string("\x7F"
                                  "ELF\x02\x01\x01\x00\x00",
                                  9),
                      200, "not_flink");
  expect_cannot_judge(R"({"status":"success","data":{}})", 200, "not_flink");
  expect_cannot_judge("nothing here", 404, "not_flink");
}

TEST(Check, TruncatedJsonAndWrongTypesAreMalformedOrNotFlinkNeverJobs) {
  for (const std::string body : {R"({"jobs":[{"jid":"a)", R"({"jobs":7})", R"([[[[)", ""}) {
    Answers answers;
    answers.otherwise = {200, body};
    const auto server = answers.serve();
    const CheckResult result = check_port(server->port());
    EXPECT_EQ(result.exit_code, kExitCannotJudge) << body;
    EXPECT_TRUE(result.view && result.view->findings.empty()) << body;
  }
}

TEST(Check, LeaderElectionIsNotAnOutageOfTheJobs) {
  expect_cannot_judge(
      R"({"errors":["Service temporarily unavailable due to an ongoing leader election. Please refresh."]})",
      503, "leader_election");
}

TEST(Check, AJobManagerThatHangsCostsItsDeadlineNotMore) {
  loopback::ScriptServer server([](const loopback::Peer& peer) {
    std::string request;
    while (peer.receive(request)) {
    }
  });
  const auto began = std::chrono::steady_clock::now();
  const CheckResult result = check_port(server.port());
  EXPECT_EQ(result.exit_code, kExitCannotJudge);
  EXPECT_NE(result.why.find("timeout"), std::string::npos) << result.why;
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(60));
}

TEST(Check, ABodyThatEndsEarlyIsTruncated) {
  loopback::ScriptServer server([](const loopback::Peer& peer) {
    peer.receive_until("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{\"jobs\":[]}");
  });
  const CheckResult result = check_port(server.port());
  EXPECT_EQ(result.exit_code, kExitCannotJudge);
  EXPECT_NE(result.why.find("truncated"), std::string::npos) << result.why;
}

TEST(Check, AnIdleClusterIsWell) {
  Answers answers;
  const RecordedCluster cluster{"1.20"};
  answers.record(cluster);
  for (const auto& [name, id] : cluster.job_ids()) answers.by_path.erase("/jobs/" + id);
  answers.by_path["/jobs/overview"] = {200, R"({"jobs":[]})"};
  const auto server = answers.serve();
  const CheckResult result = check_port(server->port());
  EXPECT_EQ(result.exit_code, kExitWell) << result.why;
}

}  // namespace
}  // namespace doctor
