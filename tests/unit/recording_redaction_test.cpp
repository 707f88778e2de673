// What a recording must not tell: secrets never, names when asked.
#include "agent/recording/redaction.hpp"

#include <set>

#include "agent/history/image.hpp"
#include "model/floors.hpp"
#include "model/text.hpp"
#include "tests/unit/recording_fixture.hpp"
#include "tests/unit/recording_samples.hpp"

namespace doctor {
namespace {

/// All texts in a value, by "Struct.member".
template <class T>
void collect(const T& value, const std::string& place, std::set<std::string>& told) {
  if constexpr (std::is_same_v<T, std::string>) {
    if (value.find("canary") != std::string::npos) told.insert(place);
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    return;
  } else if constexpr (shape::kIs<T, std::optional> || shape::kIs<T, std::shared_ptr>) {
    if (value) collect(*value, place, told);
  } else if constexpr (shape::kIs<T, std::vector> || shape::kIs<T, std::set>) {
    for (const auto& element : value) collect(element, place, told);
  } else if constexpr (shape::kIs<T, std::map>) {
    for (const auto& [key, element] : value) collect(element, place, told);
  } else if constexpr (shape::kIs<T, std::variant>) {
    std::visit([&](const auto& alternative) { collect(alternative, place, told); }, value);
  } else {
    const auto names = shape::split_names(Fields<T>::kNames);
    std::size_t index = 0;
    std::apply(
        [&](const auto&... member) {
          (collect(member, std::string(Fields<T>::kType) + "." + std::string(names[index++]), told),
           ...);
        },
        Fields<T>::of(value));
  }
}

TEST(Redaction, NothingButWordsAndIdsIsTold) {
  std::set<std::string> told;
  const Redaction redaction(true);
  for (Record record : test::one_of_each()) {
    redaction.apply(record);
    collect(record, "", told);
  }
  // A member that is new here was decided on in redaction.cpp, or it is a leak.
  const std::set<std::string> harmless{"CheckpointConfig.mode",
                                       "CheckpointConfig.state_backend",
                                       "CheckpointConfig.storage",
                                       "CheckpointRecord.type",
                                       "ContainerFacts.waiting",
                                       "Edge.from",
                                       "Edge.ship_strategy",
                                       "EntityMade.name",  // by level: below
                                       "FlinkDeploymentFacts.job_state",
                                       "FlinkDeploymentFacts.lifecycle_state",
                                       "FlinkVersion.text",
                                       "JobFacts.id",
                                       "JobFacts.restart_strategy",
                                       "JobFacts.state",
                                       "JobFacts.type",
                                       "JobSummary.id",
                                       "JobSummary.state",
                                       "JudgeConfig.disabled_detectors",
                                       "KubernetesWarning.reason",
                                       "LogEvent.pattern",
                                       "LogEvent.process",
                                       "LogReading.processes",
                                       "Opening.exported",
                                       "Opening.program",
                                       "PodFacts.disruption",
                                       "PodFacts.phase",
                                       "PodFacts.reason",
                                       "SourceHealth.role",
                                       "SubtaskFacts.status",
                                       "Termination.reason",
                                       "VertexCheckpoint.vertex",
                                       "VertexFacts.id",
                                       "VertexFacts.status"};
  for (const std::string& place : told) EXPECT_TRUE(harmless.contains(place)) << place;
}

Record cluster(std::map<std::string, std::string> configuration, std::vector<std::string> options) {
  auto facts = std::make_shared<ClusterFacts>();
  facts->configuration = std::move(configuration);
  facts->job_manager_jvm_options = std::move(options);
  return StreamItem{0, 1, ClusterFactsPtr(facts)};
}

const ClusterFacts& facts_of(const Record& record) {
  return *std::get<ClusterFactsPtr>(std::get<StreamItem>(record).what);
}

TEST(Redaction, OfEntitiesTellsIdsOfJobsAndVerticesAndCollectors) {
  const Redaction redaction(true);
  const auto told = [&](Level level, const std::string& name) {
    Record record = EntityMade{0, 1, level, 0, 0, name};
    redaction.apply(record);
    return std::get<EntityMade>(record).name;
  };
  EXPECT_EQ(told(Level::job, "a1b2"), "a1b2");
  EXPECT_EQ(told(Level::collector, "G1_Young_Generation"), "G1_Young_Generation");
  EXPECT_EQ(told(Level::process, "jobmanager"), "jobmanager");
  EXPECT_TRUE(told(Level::process, "acme-tm:1").starts_with("host_"));
  EXPECT_TRUE(told(Level::directory, "tmp:/data/acme").starts_with("tmp:name_"));
  for (const Level level : {Level::operator_, Level::column_family, Level::split}) {
    EXPECT_EQ(told(level, "acme").find("acme"), std::string::npos);
  }
}

Verdict nothing(const Window&, const Params&) { return {}; }

constexpr Read kLearned[] = {{Metric::jvm_heap_used, Feature::floors, true},
                             {Metric::source_pending_records, Feature::floors, true}};
const Detector kLearns{"learns", "", Lane::page, 0, 0, 0, kLearned, {}, nothing};

TEST(Redaction, WhatWasLearnedOfAnEntityStaysItsOwn) {
  const Detector* const detectors[] = {&kLearns};
  const FeaturePlan plan{detectors};
  const Limits limits;
  EntityTable entities(100);
  FeatureStore features(plan, entities, limits);
  const EntityId job = entities.intern(Level::job, kClusterEntity, "a1b2");
  const EntityId vertex = entities.intern(Level::vertex, job, "c3d4");
  const EntityId subtask = entities.intern(Level::subtask, vertex, "", 7);
  auto layout = std::make_shared<Layout>();
  layout->source = 1;
  layout->keys = {
      {Metric::jvm_heap_used, entities.intern(Level::process, kClusterEntity, "acme-tm:1")},
      {Metric::source_pending_records, entities.intern(Level::operator_, subtask, "acme/orders")}};
  for (int i = 0; i < 100; ++i) {
    features.absorb(Batch{1, 480'000 * kHourMs + i * kMinuteMs, layout, {1e6, 5}});
  }
  Record record = Memory{0, 1, "", features_text(features)};
  Redaction(true).apply(record);
  const std::string& image = std::get<Memory>(record).features_image;
  EXPECT_EQ(image.find("acme"), std::string::npos) << image;
  EntityTable later(100);
  FeatureStore restored(plan, later, limits);
  ASSERT_TRUE(restore_features(image, restored, 480'002 * kHourMs));
  const EntityId again = later.find(
      Level::subtask,
      later.find(Level::vertex, later.find(Level::job, kClusterEntity, "a1b2"), "c3d4"), "", 7);
  ASSERT_NE(again, kNoEntity);
  ASSERT_EQ(later.children(again, Level::operator_).size(), 1U);
  const EntityId source = later.children(again, Level::operator_)[0];
  ASSERT_NE(restored.floors(Metric::source_pending_records, source), nullptr);
  EXPECT_NEAR(restored.floors(Metric::source_pending_records, source)->hour(480'000).value_or(0), 5,
              0.01);
  EXPECT_EQ(later.children(kClusterEntity, Level::process).size(), 1U);
}

TEST(Redaction, SecretsNeverEnter) {
  Record record = cluster({{"s3.secret-key", "hunter2"},
                           {"s3.access-key", "AKIA"},
                           {"security.ssl.rest.key-password", "hunter3"},
                           {"parallelism.default", "4"}},
                          {"-Djavax.net.ssl.trustStorePassword=hunter4", "-Xmx1g"});
  Redaction(false).apply(record);
  const ClusterFacts& facts = facts_of(record);
  EXPECT_EQ(facts.configuration.at("s3.secret-key"), "******");
  EXPECT_EQ(facts.configuration.at("s3.access-key"), "******");
  EXPECT_EQ(facts.configuration.at("security.ssl.rest.key-password"), "******");
  EXPECT_EQ(facts.configuration.at("parallelism.default"), "4");
  EXPECT_EQ(facts.job_manager_jvm_options[0], "-Djavax.net.ssl.trustStorePassword=******");
  EXPECT_EQ(facts.job_manager_jvm_options[1], "-Xmx1g");
}

TEST(Redaction, OptionsThatDetectorsReadStay) {
  Record record = cluster({{"taskmanager.memory.process.size", "1728m"},
                           {"state.backend.type", "rocksdb"},
                           {"execution.checkpointing.interval", "10 s"},
                           {"jobmanager.rpc.address", "flink-jm-7"},
                           {"state.checkpoints.dir", "s3://acme-orders/checkpoints"},
                           {"pipeline.name", "orders"}},
                          {"-XX:MaxMetaspaceSize=268435456", "-javaagent:/opt/acme/agent.jar"});
  Redaction(true).apply(record);
  const ClusterFacts& facts = facts_of(record);
  EXPECT_EQ(facts.configuration.at("taskmanager.memory.process.size"), "1728m");
  EXPECT_EQ(facts.configuration.at("state.backend.type"), "rocksdb");
  EXPECT_EQ(facts.configuration.at("execution.checkpointing.interval"), "10 s");
  EXPECT_EQ(facts.job_manager_jvm_options[0], "-XX:MaxMetaspaceSize=268435456");
  for (const std::string key :
       {"jobmanager.rpc.address", "state.checkpoints.dir", "pipeline.name"}) {
    EXPECT_TRUE(facts.configuration.at(key).starts_with("value_")) << key;
  }
  EXPECT_TRUE(facts.job_manager_jvm_options[1].starts_with("option_"));
}

TEST(Pseudonyms, AreStableAndMeetWhatReportersMakeOfNames) {
  const Pseudonyms pseudonyms;
  const std::string id = pseudonyms.name("host", "10.0.0.7:41717-ab12cd");
  EXPECT_EQ(id, pseudonyms.name("host", "10.0.0.7:41717-ab12cd"));
  EXPECT_EQ(id, pseudonyms.name("host", "10_0_0_7:41717_ab12cd")) << "as reporters write it";
  EXPECT_EQ(id, reporter_filtered(id));
  EXPECT_NE(id, pseudonyms.name("host", "10.0.0.8:41717-ab12cd"));
  EXPECT_NE(id, Pseudonyms().name("host", "10.0.0.7:41717-ab12cd")) << "another recording";
  EXPECT_EQ(pseudonyms.name("job", ""), "");
}

TEST(Pseudonyms, OfTextsKeepWhatFaultsAreToldApartBy) {
  const Pseudonyms pseudonyms;
  const std::string text = pseudonyms.text(
      "java.lang.OutOfMemoryError: Java heap space while reading customer 4711 of acme");
  EXPECT_TRUE(text.starts_with("java.lang.OutOfMemoryError: Java heap space text_")) << text;
  EXPECT_EQ(text.find("4711"), std::string::npos);
  EXPECT_EQ(text.find("acme"), std::string::npos);
  EXPECT_TRUE(pseudonyms.text("com.acme.Broken: no").starts_with("text_"));
  const std::string task = pseudonyms.task("enrich orders (1/2) - execution #28");
  EXPECT_TRUE(task.ends_with(" (1/2) - execution #28")) << task;
  EXPECT_EQ(task.substr(0, task.find(' ')), pseudonyms.name("vertex", "enrich orders"));
  EXPECT_TRUE(pseudonyms.address("tm-1.acme.internal:9249").ends_with(":9249"));
}

using RecordingRedaction = test::RecordingTest;

TEST_F(RecordingRedaction, NoNameStandsInTheFileInPlainText) {
  scenario::Case drawn = restarts();
  settings_.redact = true;
  test::run_live(drawn, settings_);
  const Result<Replayed> replayed = replay(settings_.file, {});
  ASSERT_TRUE(replayed);
  EXPECT_TRUE(replayed->opening.redacted);
  const std::string document = findings_document(*replayed->verdicts);
  EXPECT_NE(document.find("job_"), std::string::npos);
  for (const char* name : {"orders", "jobmanager:8081", "4711", "tm-1"}) {
    EXPECT_EQ(document.find(name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace doctor
