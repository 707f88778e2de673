#include "agent/delivery/blind_spots.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/delivery/document.hpp"
#include "agent/delivery/report.hpp"
#include "detectors/registry.hpp"
#include "tests/unit/delivery_views.hpp"

namespace doctor::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

SourceHealth source_of(SourceKind kind, bool up = true) {
  SourceHealth source;
  source.kind = kind;
  source.address = "there:1";
  source.up = up;
  return source;
}

/// Every detector says "ok"; what cannot be seen is known by the matrix alone.
ClusterView all_well(FlinkVersion version, std::vector<SourceKind> kinds = {}) {
  ClusterView cluster;
  cluster.name = "prod";
  cluster.status = ClusterStatus::ok;
  cluster.version = std::move(version);
  cluster.sources = {rest_source()};
  for (const SourceKind kind : kinds) cluster.sources.push_back(source_of(kind));
  for (const Detector* detector : all_detectors()) {
    cluster.detectors.push_back({std::string(detector->name), DetectorState::ok, "", {}});
  }
  return cluster;
}

const FlinkVersion kOld{1, 20, "1.20.5"};
const FlinkVersion kNew{2, 2, "2.2.0"};

std::vector<std::string> suspects_of(const ClusterView& cluster) {
  std::vector<std::string> names;
  for (const BlindSpot& spot : blind_spots(cluster)) {
    EXPECT_EQ(spot.capability, Capability::suspects) << spot.detector;
    EXPECT_FALSE(spot.unseen.empty()) << spot.detector;
    names.push_back(spot.detector);
  }
  return names;
}

BlindSpot spot_of(const ClusterView& cluster, const std::string& detector) {
  for (BlindSpot& spot : blind_spots(cluster)) {
    if (spot.detector == detector) return std::move(spot);
  }
  ADD_FAILURE() << "no blind spot of " << detector;
  return {};
}

TEST(BlindSpots, AreWhatTheClustersOwnSourcesDoNotTell) {
  // Split watermarks came with Flink 2.1: no reporter shows them before, so none is asked for.
  EXPECT_THAT(suspects_of(all_well(kOld)),
              ElementsAre("data_skew", "catch_up", "resource_leak", "native_leak"));
  // From 2.1 on Flink tells of descriptors itself.
  EXPECT_THAT(suspects_of(all_well(kNew)),
              ElementsAre("data_skew", "watermark_stalled", "catch_up", "native_leak"));
  EXPECT_THAT(suspects_of(all_well(kNew, {SourceKind::reporter})), ElementsAre("native_leak"));
  EXPECT_THAT(suspects_of(all_well(kOld, {SourceKind::reporter, SourceKind::probe})), IsEmpty());
  EXPECT_THAT(suspects_of(all_well(kOld, {SourceKind::reporter, SourceKind::containers})),
              IsEmpty());
}

TEST(BlindSpots, NameTheLinesOfTheirOwnEye) {
  const ClusterView cluster = all_well(kOld);
  EXPECT_THAT(spot_of(cluster, "resource_leak").enable, ElementsAre("--probe HOST:9670"));
  EXPECT_THAT(spot_of(cluster, "resource_leak").unseen, HasSubstr("pen descriptors"));
  EXPECT_THAT(spot_of(cluster, "catch_up").enable,
              ElementsAre(HasSubstr("PrometheusReporterFactory"), HasSubstr("prom.port")));
  EXPECT_THAT(spot_of(cluster, "catch_up").unseen, HasSubstr("shard's reader"));
}

TEST(BlindSpots, GoByWhatIsThereAlready) {
  // Pods are watched: their kubelets are nearer than a probe.
  EXPECT_THAT(spot_of(all_well(kOld, {SourceKind::kubernetes}), "native_leak").enable,
              ElementsAre(HasSubstr("clusters[].containers")));
  // A probe that does not answer is asked for already.
  ClusterView cluster = all_well(kOld);
  cluster.sources.push_back(source_of(SourceKind::probe, false));
  EXPECT_THAT(spot_of(cluster, "native_leak").enable, IsEmpty());
  // A JobManager's reporter tells nothing of tasks.
  cluster = all_well(kNew, {SourceKind::reporter});
  cluster.sources.back().role = "jobmanager";
  EXPECT_THAT(suspects_of(cluster), Contains("catch_up"));
  // The reporter is on, and nobody said where.
  auto facts = std::make_shared<ClusterFacts>();
  facts->configuration["metrics.reporter.p.factory.class"] =
      "org.apache.flink.metrics.prometheus.PrometheusReporterFactory";
  facts->configuration["metrics.reporter.p.port"] = "9300";
  cluster.facts = facts;
  EXPECT_THAT(spot_of(cluster, "catch_up").enable, ElementsAre("--reporter HOST:9300"));
}

TEST(BlindSpots, AreNotTheOutage) {
  ClusterView cluster = all_well(kOld);
  cluster.sources.front().up = false;
  EXPECT_THAT(blind_spots(cluster), IsEmpty());
}

TEST(BlindSpots, TheReportGroupsThemByLinesAndKeepsClustersApart) {
  View view;
  view.generated_at = kNow;
  view.clusters = {all_well(kOld), all_well(kNew, {SourceKind::probe})};
  view.clusters[1].name = "other";
  DetectorReport& native =
      *std::find_if(view.clusters[0].detectors.begin(), view.clusters[0].detectors.end(),
                    [](const DetectorReport& report) { return report.detector == "native_leak"; });
  native.state = DetectorState::blind;
  native.why = "no host probe";
  native.enable = {"--probe HOST:9670"};
  const std::string text = text_report(view, {false, 100});
  EXPECT_THAT(text, HasSubstr(R"(
To see more of prod
  suspects     data_skew: does not see offset last read
  suspects     catch_up: does not see how far a shard's reader is behind its tip, the same of a
               FlinkKinesisConsumer
    add to Flink's configuration:
      metrics.reporter.prom.factory.class: org.apache.flink.metrics.prometheus.PrometheusReporterFactory
      metrics.reporter.prom.port: 9250-9260
  suspects     resource_leak: does not see open descriptors, soft limit of open descriptors
  cannot judge native_leak
    give flink-doctor:
      --probe HOST:9670
        (`flink-doctor probe` runs there; in Kubernetes kubelets do as well: clusters[].containers)

)")) << text;
  const std::string other = text.substr(text.find("\nTo see more of other"));
  EXPECT_THAT(other, Not(HasSubstr("--probe")));
  EXPECT_THAT(other, HasSubstr("watermark_stalled: does not see watermark of one split"));
}

TEST(BlindSpots, TheDocumentTellsThem) {
  View view;
  view.generated_at = kNow;
  view.clusters = {all_well(kOld)};
  EXPECT_THAT(findings_document(view), HasSubstr(R"({
          "detector": "resource_leak",
          "state": "ok",
          "sight": "suspects",
          "unseen": "open descriptors, soft limit of open descriptors",
          "enable": [
            "--probe HOST:9670"
          ]
        })"));
}

}  // namespace
}  // namespace doctor::test
