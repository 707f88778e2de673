#include "agent/delivery/document.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/delivery_views.hpp"

namespace doctor::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Document, SaysNothingOfWhatIsNotThere) {
  View view;
  view.generated_at = kNow;
  EXPECT_EQ(findings_document(view), R"({
  "version": 1,
  "generated_at": "2026-11-21T08:33:20.000Z",
  "clusters": [],
  "findings": []
}
)");
}

TEST(Document, HasTheShapeThatIsPromised) {
  View view = sick_cluster();
  view.clusters.front().sources.clear();
  view.clusters.front().detectors.resize(2);
  EXPECT_EQ(findings_document(view), R"({
  "version": 1,
  "generated_at": "2026-11-21T08:33:20.000Z",
  "clusters": [
    {
      "name": "prod",
      "url": "http://jm:8081",
      "flink_version": "1.20.5",
      "status": "ok",
      "detectors": [
        {
          "detector": "metaspace_leak",
          "state": "firing"
        },
        {
          "detector": "native_overrun",
          "state": "blind",
          "why": "no reporter",
          "enable": [
            "metrics.reporters: prom",
            "state.backend.rocksdb.metrics: x"
          ]
        }
      ]
    }
  ],
  "findings": [
    {
      "id": "metaspace_leak/prod/////host-3/taskmanager",
      "detector": "metaspace_leak",
      "severity": "critical",
      "state": "firing",
      "confidence": "imminent",
      "entity": {
        "cluster": "prod",
        "task_manager": "host-3:35211-ab12",
        "host": "host-3",
        "process": "taskmanager"
      },
      "summary": "Classes of finished jobs stay loaded.",
      "evidence": [
        {
          "metric": "jvm_metaspace_used",
          "from": "2026-11-21T08:23:20.000Z",
          "to": "2026-11-21T08:33:20.000Z",
          "value": 201326592.0,
          "unit": "bytes",
          "limit": 268435456.0,
          "limit_source": "taskmanager.memory.jvm-metaspace.size",
          "sentence": "Metaspace grew by 18 MiB at each of 8 submissions."
        }
      ],
      "remedy": [
        {
          "sentence": "This buys time until the leak is fixed.",
          "option": "taskmanager.memory.jvm-metaspace.size",
          "current": "256m",
          "value": "512m"
        }
      ],
      "next_test": "Run jcmd 1 GC.run and look at classes unloaded.",
      "since": "2026-11-21T08:21:20.000Z",
      "forecast": {
        "exhausted_at": "2026-11-21T09:33:20.000Z",
        "low": "2026-11-21T09:03:20.000Z"
      },
      "runbook": "detectors/metaspace_leak.md"
    }
  ]
}
)");
}

TEST(Document, TellsWhyASourceIsDown) {
  const std::string text = findings_document(one_cluster());
  EXPECT_THAT(text, HasSubstr("\"reason\": \"refused\""));
  EXPECT_THAT(text, HasSubstr("\"message\": \"nothing listens on tm:9249\""));
}

TEST(Document, TellsWhichSourceHasMoreSeriesThanOneMay) {
  View view = hostile_view();
  EXPECT_THAT(findings_document(view), Not(HasSubstr("not_seen")));
  view.clusters.front().sources.front().series_unseen = 12;
  const std::string text = findings_document(view);
  EXPECT_THAT(text, HasSubstr("\"series_not_seen\": 12,\n"));
  EXPECT_THAT(text, HasSubstr("\"not_seen\": \"12 series over the limit (50000 per source"));
  EXPECT_TRUE(is_clean(text));
}

TEST(Document, NeverHoldsNumbersThatAreNone) {
  View view = sick_cluster();
  Evidence& evidence = view.findings.front().finding.evidence.front();
  evidence.value = std::numeric_limits<double>::quiet_NaN();
  evidence.limit = std::numeric_limits<double>::infinity();
  const std::string text = findings_document(view);
  EXPECT_THAT(text, Not(HasSubstr("\"value\": null")));
  EXPECT_THAT(text, Not(HasSubstr("\"limit\":")));
  EXPECT_THAT(text, HasSubstr("\"sentence\": \"Metaspace grew"));
}

TEST(Document, CleansHostileNames) {
  const std::string text = findings_document(hostile_view());
  EXPECT_TRUE(is_clean(text));
  // One line stays one line, quotes and backslashes are escaped, bytes that are no UTF-8 replaced.
  EXPECT_THAT(text, HasSubstr("\"job_name\": \"a\\\"b\\\\c d  [31m\xEF\xBF\xBD\xEF\xBF\xBD\\\">"
                              "<img src=x onerror=alert(1)> \""));
}

TEST(Document, LeavesAnEmptyForecastOut) {
  View view = sick_cluster();
  view.findings.front().finding.forecast = Forecast{};
  EXPECT_THAT(findings_document(view), Not(HasSubstr("forecast")));
}

}  // namespace
}  // namespace doctor::test
