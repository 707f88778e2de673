// What happened to pods, told from lists and watch lines; and how pods meet TaskManagers.
#include <gmock/gmock.h>

#include "agent/delivery/document.hpp"
#include "agent/delivery/pods.hpp"
#include "collectors/kubernetes/pod_set.hpp"
#include "model/text.hpp"
#include "model/window.hpp"
#include "tests/unit/kubernetes_fixtures.hpp"

namespace doctor::kubernetes {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kDying = "orders-taskmanager-1-1";

class KubernetesPodSet : public testing::Test {
 protected:
  std::vector<PodFacts> listed() const {
    auto page = parse_pod_page(kubernetes_fixture("pods.json"), limits);
    EXPECT_TRUE(page.ok());
    return page->pods;
  }
  std::vector<Event> apply(const std::string& text) {
    const auto line = parse_watch_line(text, limits);
    EXPECT_TRUE(line.ok());
    return pods.apply(*line, ++now);
  }
  /// A MODIFIED line for the TaskManager of the fixtures, as changed.
  std::vector<Event> modified(const PodFacts& pod) {
    WatchLine line;
    line.kind = WatchLine::Kind::modified;
    line.pod = pod;
    return pods.apply(line, ++now);
  }
  static std::vector<EventKind> kinds(const std::vector<Event>& events) {
    std::vector<EventKind> all;
    for (const Event& event : events) all.push_back(event.kind);
    return all;
  }
  Limits limits;
  TimestampMs now{1000};
  PodSet pods{7, limits};
};

TEST_F(KubernetesPodSet, WhatTheFirstListRemembersIsNoNews) {
  EXPECT_FALSE(pods.known());
  EXPECT_THAT(pods.replace(listed(), now), IsEmpty());
  EXPECT_TRUE(pods.known());
  EXPECT_EQ(pods.facts().pods.size(), 3U);
  EXPECT_EQ(pods.facts().source, 7U);
  EXPECT_THAT(pods.replace(listed(), now), IsEmpty());
}

TEST_F(KubernetesPodSet, AnOomKillIsToldOnceAndOutlivesItsPod) {
  static_cast<void>(pods.replace(listed(), now));
  const auto lines = watch_lines();
  const std::vector<Event> killed = apply(lines[0]);
  ASSERT_THAT(kinds(killed), ElementsAre(EventKind::pod_oom_killed));
  EXPECT_EQ(killed[0].subject, kDying);
  EXPECT_EQ(killed[0].source, 7U);
  EXPECT_THAT(killed[0].text, HasSubstr("flink/" + kDying));
  EXPECT_THAT(killed[0].text, HasSubstr("OOMKilled, exit code 137 (SIGKILL), memory limit 1.7"));
  EXPECT_THAT(apply(lines[1]), IsEmpty());
  EXPECT_THAT(apply(lines[2]), IsEmpty()) << "it had failed before it was deleted";
  const KubernetesFacts facts = pods.facts();
  EXPECT_EQ(facts.pods.size(), 2U);
  ASSERT_EQ(facts.gone.size(), 1U);
  EXPECT_TRUE(facts.gone[0].pod->flink_container()->death()->oom_killed());
  EXPECT_THAT(apply(lines[3]), IsEmpty());
  EXPECT_EQ(pods.size(), 3U);
}

TEST_F(KubernetesPodSet, ADeletionMayBeTheOnlyOneToTellOfADeath) {
  static_cast<void>(pods.replace(listed(), now));
  EXPECT_THAT(kinds(apply(watch_lines()[2])), ElementsAre(EventKind::pod_oom_killed));
}

TEST_F(KubernetesPodSet, TellsFaultsFromDeletions) {
  static_cast<void>(pods.replace(listed(), now));
  PodFacts pod = listed()[1];
  pod.containers[0].ended = Termination{"Error", 239, {}, 5, "c"};
  EXPECT_THAT(kinds(modified(pod)), ElementsAre(EventKind::container_died));
  pod.containers[0].ended = Termination{"Completed", 0, {}, 6, "c"};
  EXPECT_THAT(modified(pod), IsEmpty());
  pod.deleting_at = 7;
  pod.containers[0].ended = Termination{"Error", 143, 15, 7, "c"};
  EXPECT_THAT(modified(pod), IsEmpty()) << "it was asked to end";
  pod.containers[0].ended = Termination{"Error", 137, 9, 8, "c"};
  EXPECT_THAT(modified(pod), IsEmpty()) << "it was killed after its grace";
  pod.containers[0].ended = Termination{"Error", 1, {}, 9, "c"};
  EXPECT_THAT(kinds(modified(pod)), ElementsAre(EventKind::container_died));
}

TEST_F(KubernetesPodSet, ARestartIsToldByItsDeathElseByItself) {
  static_cast<void>(pods.replace(listed(), now));
  PodFacts pod = listed()[1];
  ContainerFacts& container = pod.containers[0];
  container.ended = Termination{"Error", 1, {}, 5, "c1"};
  EXPECT_THAT(kinds(modified(pod)), ElementsAre(EventKind::container_died));
  container.last_termination = std::exchange(container.ended, {});
  container.restarts = 1;
  EXPECT_THAT(modified(pod), IsEmpty()) << "this death was told";
  container.restarts = 2;
  EXPECT_THAT(kinds(modified(pod)), ElementsAre(EventKind::container_restarted));
  container.restarts = 3;
  container.last_termination = Termination{"OOMKilled", 137, 9, 6, "c2"};
  EXPECT_THAT(kinds(modified(pod)), ElementsAre(EventKind::pod_oom_killed));
}

TEST_F(KubernetesPodSet, TellsEvictionsAndDeletions) {
  static_cast<void>(pods.replace(listed(), now));
  PodFacts pod = listed()[1];
  pod.disruption = "EvictionByEvictionAPI";
  const std::vector<Event> evicted = modified(pod);
  ASSERT_THAT(kinds(evicted), ElementsAre(EventKind::pod_evicted));
  EXPECT_THAT(evicted[0].text, HasSubstr("EvictionByEvictionAPI) from node-1"));
  pod.deleting_at = 5;
  EXPECT_THAT(modified(pod), IsEmpty());
  WatchLine line;
  line.kind = WatchLine::Kind::deleted;
  line.pod = pod;
  EXPECT_THAT(kinds(pods.apply(line, now)), ElementsAre(EventKind::pod_deleted));
  EXPECT_THAT(pods.apply(line, now), IsEmpty());
}

TEST_F(KubernetesPodSet, AListTellsWhatAWatchHasMissed) {
  static_cast<void>(pods.replace(listed(), now));
  std::vector<PodFacts> later = listed();
  later[2].containers[0].last_termination->finished_at = 9;
  later.erase(later.begin() + 1);
  EXPECT_THAT(kinds(pods.replace(later, now)),
              ElementsAre(EventKind::pod_deleted, EventKind::pod_oom_killed));
  later[0].uid = "another";
  EXPECT_THAT(kinds(pods.replace(later, now)), ElementsAre(EventKind::pod_deleted));
  EXPECT_EQ(pods.facts().gone.size(), 2U);
}

TEST_F(KubernetesPodSet, IsBounded) {
  limits.pods_max = 2;
  limits.pods_gone_max = 1;
  static_cast<void>(pods.replace(listed(), now));
  EXPECT_EQ(pods.size(), 2U);
  EXPECT_EQ(pods.facts().pods_left_out, 1U);
  static_cast<void>(pods.replace({}, now));
  EXPECT_EQ(pods.size(), 0U);
  EXPECT_EQ(pods.facts().gone.size(), 1U);
}

TEST_F(KubernetesPodSet, PodsMeetTaskManagersByNameElseByAddress) {
  static_cast<void>(pods.replace(listed(), now));
  const auto facts = std::make_shared<const KubernetesFacts>(pods.facts());
  EXPECT_EQ(facts->task_manager(kDying, "")->name, kDying);
  EXPECT_EQ(facts->task_manager("10.1.0.5:41251-8c5a02", "10.1.0.5")->name, kDying);
  EXPECT_EQ(facts->task_manager("x", "10.1.0.4"), nullptr) << "the JobManager's address";
  EXPECT_EQ(facts->task_manager("x", "10.1.0.9"), nullptr);
  EXPECT_EQ(facts->task_manager("x", ""), nullptr);
  ASSERT_NE(facts->job_manager(), nullptr);
  EXPECT_EQ(facts->job_manager()->name, "orders-7c9f");

  EntityTable entities(100);
  ClusterFacts cluster;
  cluster.task_managers.push_back({"10.1.0.6:1-a", "10.1.0.6", 1, 0, {}});
  const std::vector<KubernetesFactsPtr> watches{facts};
  Window window;
  window.entities = &entities;
  window.cluster = &cluster;
  window.kubernetes = watches;
  const auto process = [&](const std::string& name) {
    return entities.intern(Level::process, kClusterEntity, reporter_filtered(name));
  };
  EXPECT_EQ(window.pod_of(process("10.1.0.6:1-a"))->name, "orders-taskmanager-1-2");
  EXPECT_EQ(window.pod_of(process(kDying))->name, kDying);
  EXPECT_EQ(window.pod_of(process("jobmanager"))->name, "orders-7c9f");
  EXPECT_EQ(window.pod_of(process("another")), nullptr);
  EXPECT_EQ(window.pod_of(kNoEntity), nullptr);
}

TEST_F(KubernetesPodSet, TheReportShowsDeathsNewestFirst) {
  static_cast<void>(pods.replace(listed(), now));
  for (const std::string& line : watch_lines()) static_cast<void>(apply(line));
  KubernetesFacts facts = pods.facts();
  facts.deployments =
      parse_deployments(kubernetes_fixture("flinkdeployments.json"), limits).value();
  ClusterView cluster;
  cluster.kubernetes = {std::make_shared<const KubernetesFacts>(facts)};
  Terminal out(false, 0);
  write_pods(out, cluster, 1795252500000 + 3 * kMinuteMs);
  const std::string text = out.take();
  EXPECT_THAT(text, HasSubstr("flink/" + kDying +
                              "  container flink-main-container ended: OOMKilled, exit code 137 "
                              "(SIGKILL), memory limit 1.7 GiB, 3 min ago; the pod is gone\n"));
  EXPECT_THAT(text, HasSubstr("restarts 2\n"));
  EXPECT_THAT(text, HasSubstr("FlinkDeployment flink/orders  FAILED, job RECONCILING: "));
  EXPECT_EQ(text.find("flink/new"), std::string::npos);
  facts.deployments->at(1).lifecycle_state = "ROLLED_BACK";
  cluster.kubernetes = {std::make_shared<const KubernetesFacts>(facts)};
  write_pods(out, cluster, 1795252500000 + 3 * kMinuteMs);
  EXPECT_THAT(out.take(), HasSubstr("FlinkDeployment flink/new  ROLLED_BACK\n"));
  Terminal quiet(false, 0);
  write_pods(quiet, ClusterView{}, 0);
  EXPECT_EQ(quiet.take(), "");
}

TEST(KubernetesRights, AReportNamesTheOptionalOnesThatAreMissingOnce) {
  KubernetesFacts blind;
  blind.deployments_forbidden = blind.warnings_forbidden = true;
  ClusterView cluster;
  cluster.kubernetes.assign(2, std::make_shared<const KubernetesFacts>(blind));
  Terminal out(false, 0);
  write_pods(out, cluster, 0);
  EXPECT_EQ(out.take(),
            "Pods\n  optional rights not given:  list flinkdeployments (states and errors that the "
            "Flink operator tells), list events (why pods are not scheduled or started)\n\n");
  blind.deployments_forbidden = false;
  cluster.kubernetes.assign(1, std::make_shared<const KubernetesFacts>(blind));
  write_pods(out, cluster, 0);
  EXPECT_THAT(out.take(), HasSubstr("not given:  list events"));
}

TEST_F(KubernetesPodSet, TheDocumentHasTheSame) {
  static_cast<void>(pods.replace(listed(), now));
  static_cast<void>(apply(watch_lines()[0]));
  WatchLine deletion = parse_watch_line(watch_lines()[2], limits).value();
  static_cast<void>(pods.apply(deletion, 1795252600000));
  View view;
  view.clusters.emplace_back();
  KubernetesFacts facts = pods.facts();
  facts.deployments = {{"flink", "orders", "STABLE", "RUNNING", ""}};
  view.clusters[0].kubernetes = {std::make_shared<const KubernetesFacts>(facts)};
  SourceHealth source;
  source.kind = SourceKind::kubernetes;
  source.pods = 2;
  view.clusters[0].sources = {source};
  const std::string text = findings_document(view);
  EXPECT_THAT(text, HasSubstr("\"pods\": 2"));
  EXPECT_THAT(text, HasSubstr(R"("flink_deployments": [
        {
          "namespace": "flink",
          "name": "orders",
          "lifecycle_state": "STABLE",
          "job_state": "RUNNING"
        }
      ])"));
  EXPECT_THAT(text, HasSubstr(R"("pod": "orders-taskmanager-1-1",
          "role": "taskmanager",
          "container": "flink-main-container",
          "reason": "OOMKilled",
          "exit_code": 137,
          "signal": 9,
          "finished": "2026-11-21T09:15:00.000Z",
          "memory_limit_bytes": 1811939328.0,
          "pod_gone": "2026-11-21T09:16:40.000Z"
)"));
}

}  // namespace
}  // namespace doctor::kubernetes
