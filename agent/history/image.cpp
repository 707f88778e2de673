#include "agent/history/image.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "agent/history/packer.hpp"
#include "agent/history/series_names.hpp"

namespace doctor {
namespace {

using nlohmann::json;

constexpr int kFeaturesVersion = 3;
constexpr std::size_t kImageBytesMax = 256U << 20U;

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

template <class T>
json optional_to_json(const std::optional<T>& value) {
  return value ? json(*value) : json();
}

template <class T>
std::optional<T> optional_from_json(const json& value) {
  if (value.is_null()) return std::nullopt;
  return value.get<T>();
}

json subject_to_json(const Subject& s) {
  return {{"cluster", s.cluster},
          {"namespace", s.namespace_},
          {"job_name", s.job_name},
          {"job_id", s.job_id},
          {"vertex", s.vertex},
          {"vertex_id", s.vertex_id},
          {"operator", s.operator_},
          {"subtask", optional_to_json(s.subtask)},
          {"task_manager", s.task_manager},
          {"host", s.host},
          {"process", s.process}};
}

Subject subject_from_json(const json& value) {
  Subject s;
  s.cluster = value.at("cluster");
  s.namespace_ = value.at("namespace");
  s.job_name = value.at("job_name");
  s.job_id = value.at("job_id");
  s.vertex = value.at("vertex");
  s.vertex_id = value.at("vertex_id");
  s.operator_ = value.at("operator");
  s.subtask = optional_from_json<int>(value.at("subtask"));
  s.task_manager = value.at("task_manager");
  s.host = value.at("host");
  s.process = value.at("process");
  return s;
}

/// Evidence and remedies are judged anew; their sentences keep a report readable meanwhile.
json finding_to_json(const ReportedFinding& reported) {
  const Finding& finding = reported.finding;
  json sentences = json::array();
  for (const Evidence& evidence : finding.evidence) sentences.push_back(evidence.sentence);
  return {{"detector", finding.detector},
          {"severity", static_cast<int>(finding.severity)},
          {"confidence", static_cast<int>(finding.confidence)},
          {"subject", subject_to_json(finding.subject)},
          {"summary", finding.summary},
          {"evidence", std::move(sentences)},
          {"state", static_cast<int>(reported.state)},
          {"since", reported.since},
          {"resolved_at", optional_to_json(reported.resolved_at)},
          {"incident", reported.incident}};
}

template <class Enum>
Enum enum_from_json(const json& value, Enum last) {
  const int number = value.get<int>();
  if (number < 0 || number > static_cast<int>(last))
    throw json::other_error::create(599, "range", &value);
  return static_cast<Enum>(number);
}

ReportedFinding finding_from_json(const json& value) {
  ReportedFinding reported;
  Finding& finding = reported.finding;
  finding.detector = value.at("detector");
  finding.severity = enum_from_json(value.at("severity"), Severity::critical);
  finding.confidence = enum_from_json(value.at("confidence"), Confidence::imminent);
  finding.subject = subject_from_json(value.at("subject"));
  finding.summary = value.at("summary");
  for (const json& sentence : value.at("evidence")) {
    Evidence evidence;
    evidence.sentence = sentence;
    finding.evidence.push_back(std::move(evidence));
  }
  reported.state = enum_from_json(value.at("state"), FindingState::resolved);
  reported.since = value.at("since");
  reported.resolved_at = optional_from_json<TimestampMs>(value.at("resolved_at"));
  reported.incident = value.at("incident");
  return reported;
}

json checkpoint_to_json(const CheckpointRecord& r) {
  return {{"id", r.id},
          {"status", static_cast<int>(r.status)},
          {"savepoint", r.savepoint},
          {"type", r.type},
          {"triggered", r.triggered},
          {"ended", optional_to_json(r.ended)},
          {"checkpointed_size", optional_to_json(r.checkpointed_size)},
          {"state_size", optional_to_json(r.state_size)},
          {"duration", optional_to_json(r.duration)},
          {"persisted_data", optional_to_json(r.persisted_data)},
          {"failure", r.failure}};
}

CheckpointRecord checkpoint_from_json(const json& value) {
  CheckpointRecord r;
  r.id = value.at("id");
  r.status = enum_from_json(value.at("status"), CheckpointRecord::Status::failed);
  r.savepoint = value.at("savepoint");
  r.type = value.at("type");
  r.triggered = value.at("triggered");
  r.ended = optional_from_json<TimestampMs>(value.at("ended"));
  r.checkpointed_size = optional_from_json<double>(value.at("checkpointed_size"));
  r.state_size = optional_from_json<double>(value.at("state_size"));
  r.duration = optional_from_json<DurationMs>(value.at("duration"));
  r.persisted_data = optional_from_json<double>(value.at("persisted_data"));
  r.failure = value.at("failure");
  return r;
}

json fault_to_json(const ExceptionRecord& r) {
  return {{"at", r.at},
          {"name", r.name},
          {"message", r.message},
          {"root", r.root_cause},
          {"frames", r.frames},
          {"task", r.task},
          {"task_manager", r.task_manager}};
}

ExceptionRecord fault_from_json(const json& value) {
  ExceptionRecord r;
  r.at = value.at("at");
  r.name = value.at("name");
  r.message = value.at("message");
  r.root_cause = value.at("root");
  r.frames = value.at("frames").get<std::vector<std::string>>();
  r.task = value.at("task");
  r.task_manager = value.at("task_manager");
  return r;
}

/// JSON has no NaN: gaps are null.
json epoch_to_json(const EpochSummary& epoch) {
  json levels = json::array();
  for (const float level : epoch.levels) {
    levels.push_back(std::isnan(level) ? json() : json(level));
  }
  return {{"from", epoch.from}, {"to", epoch.to}, {"levels", std::move(levels)}};
}

EpochSummary epoch_from_json(const json& value) {
  EpochSummary epoch;
  epoch.from = value.at("from");
  epoch.to = value.at("to");
  for (std::size_t i = 0; i < epoch.levels.size(); ++i) {
    const json& level = value.at("levels").at(i);
    epoch.levels[i] = level.is_null() ? NAN : level.get<float>();
  }
  return epoch;
}

/// Version 2 knew processes and their collectors alone.
std::string entity_from_json(const json& series) {
  if (series.contains("entity")) return series.at("entity");
  EntityTable names(3);
  EntityId entity =
      names.intern(Level::process, kClusterEntity, series.at("process").get<std::string>());
  const std::string collector = series.at("collector");
  if (!collector.empty()) entity = names.intern(Level::collector, entity, collector);
  return entity_path(names, entity);
}

json series_to_json(const FeatureStore::LearnedSeries& learned) {
  json levels = json::array();
  for (const Plateau& p : learned.plateaus) {
    levels.push_back({p.from, p.events, p.samples, p.min, p.last});
  }
  json epochs = json::array();
  for (const EpochSummary& epoch : learned.past_epochs) epochs.push_back(epoch_to_json(epoch));
  return {{"entity", learned.entity},
          {"metric", info(learned.metric).name},
          {"source", learned.source},
          {"latest", {learned.latest.at, learned.latest.value}},
          {"levels", std::move(levels)},
          {"floors", learned.floors.empty() ? "" : learned.floors.image()},
          {"epochs", std::move(epochs)}};
}

std::optional<FeatureStore::LearnedSeries> series_from_json(const json& value) {
  FeatureStore::LearnedSeries learned;
  const std::string name = value.at("metric");
  const auto catalogue = metric_catalogue();
  const auto metric = std::find_if(catalogue.begin(), catalogue.end(),
                                   [&](const MetricInfo& m) { return m.name == name; });
  if (metric == catalogue.end()) return std::nullopt;  // of another version of the agent
  learned.metric = metric->metric;
  learned.entity = entity_from_json(value);
  learned.source = value.at("source");
  learned.latest = {value.at("latest").at(0), value.at("latest").at(1)};
  for (const json& level : value.at("levels")) {
    learned.plateaus.push_back({level.at(0), level.at(1), level.at(2), level.at(3), level.at(4)});
  }
  const std::string floors = value.at("floors");
  if (!floors.empty() && !learned.floors.restore(floors)) {
    throw json::other_error::create(599, "floors", &value);
  }
  for (const json& epoch : value.at("epochs")) {
    if (learned.past_epochs.size() == kEpochsMax) break;
    learned.past_epochs.push_back(epoch_from_json(epoch));
  }
  return learned;
}

Status restore_text(const std::string& text, FeatureStore& features, TimestampMs now) {
  try {
    const json image = json::parse(text);
    const int version = image.at("version");
    if (version != kFeaturesVersion && version != kFeaturesVersion - 1) {
      return Error{ErrorCode::malformed, "an unknown image version"};
    }
    std::vector<JobFacts> jobs;
    for (const json& saved : image.at("jobs")) {
      JobFacts& job = jobs.emplace_back();
      job.id = saved.at("id");
      job.state = "RUNNING";
      job.exceptions_known = true;
      for (const json& c : saved.at("checkpoints"))
        job.checkpoints.push_back(checkpoint_from_json(c));
      for (const json& f : saved.at("faults")) job.exceptions.push_back(fault_from_json(f));
    }
    std::vector<FeatureStore::LearnedSeries> series;
    for (const json& saved : image.at("series")) {
      if (auto learned = series_from_json(saved)) series.push_back(std::move(*learned));
    }
    for (const JobFacts& job : jobs) features.absorb(job, now);
    for (const auto& learned : series) features.restore(learned);
    return Done{};
  } catch (const json::exception& fault) {
    return Error{ErrorCode::malformed, fault.what()};
  }
}

/// `add(piece)`: a document of all series at once would take many times the room of its text.
template <class Add>
void write_features(const FeatureStore& features, Add add) {
  json jobs = json::array();
  for (const JobFacts& job : features.learned_jobs()) {
    json checkpoints = json::array();
    for (const CheckpointRecord& record : job.checkpoints) {
      checkpoints.push_back(checkpoint_to_json(record));
    }
    json faults = json::array();
    for (const ExceptionRecord& record : job.exceptions) faults.push_back(fault_to_json(record));
    jobs.push_back(
        {{"id", job.id}, {"checkpoints", std::move(checkpoints)}, {"faults", std::move(faults)}});
  }
  add("{\"version\":" + std::to_string(kFeaturesVersion) + ",\"jobs\":" + dump(jobs) +
      ",\"series\":[");
  const char* separator = "";
  features.each_learned([&](const FeatureStore::LearnedSeries& learned) {
    add(std::exchange(separator, ",") + dump(series_to_json(learned)));
  });
  add(std::string("]}"));
}

}  // namespace

std::string features_image(const FeatureStore& features) {
  Packer packer;
  write_features(features, [&](const std::string& piece) { packer.add(piece); });
  return std::move(packer).finish();
}

std::string features_text(const FeatureStore& features) {
  std::string text;
  write_features(features, [&](const std::string& piece) { text += piece; });
  return text;
}

Status restore_features(const std::string& image, FeatureStore& features, TimestampMs now) {
  if (!is_packed(image)) return restore_text(image, features, now);
  const std::optional<std::string> text = unpack(image, kImageBytesMax);
  if (!text) return Error{ErrorCode::malformed, "the image does not unpack"};
  return restore_text(*text, features, now);
}

std::string findings_image(const std::vector<ReportedFinding>& findings) {
  json image = json::array();
  for (const ReportedFinding& finding : findings) image.push_back(finding_to_json(finding));
  return dump({{"version", 1}, {"findings", std::move(image)}});
}

Result<std::vector<ReportedFinding>> parse_findings_image(const std::string& text) {
  try {
    const json image = json::parse(text);
    if (image.at("version") != 1) return Error{ErrorCode::malformed, "an unknown image version"};
    std::vector<ReportedFinding> findings;
    for (const json& finding : image.at("findings")) {
      findings.push_back(finding_from_json(finding));
    }
    return findings;
  } catch (const json::exception& fault) {
    return Error{ErrorCode::malformed, fault.what()};
  }
}

}  // namespace doctor
