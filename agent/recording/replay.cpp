#include "agent/recording/replay.hpp"

#include <algorithm>
#include <utility>

#include "agent/config/config.hpp"
#include "agent/recording/memory.hpp"
#include "agent/recording/recording_reader.hpp"
#include "detectors/registry.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

/// The judges of a recording, and what becomes of their findings.
class Player {
 public:
  Player(RecordingReader reader, const ReplayOptions& options, std::vector<Metric> exported)
      : reader_(std::move(reader)),
        options_(options),
        plan_(all_detectors(), exported),
        timeline_(options.from) {
    std::vector<EntityTable*> tables;
    const std::uint64_t series_max = reader_.opening().series_max;
    const auto budget =
        std::make_shared<SeriesBudget>(series_max > 0 ? series_max : SeriesBudget::kUnlimited);
    for (JudgeConfig config : reader_.opening().clusters) {
      for (const auto& [detector, params] : options.set) {
        for (const auto& [name, value] : params) config.detector_params[detector][name] = value;
      }
      judges_.push_back(
          std::make_unique<Judge>(std::move(config), all_detectors(), plan_, limits_, budget));
      tables.push_back(&judges_.back()->entities());
    }
    reader_.attach(std::move(tables));
  }

  Replayed play() {
    replayed_.opening = reader_.opening();
    replayed_.files = reader_.files();
    while (const std::optional<Record> record = reader_.next()) {
      if (const auto* memory = std::get_if<Memory>(&*record)) {
        for (std::string& problem : recall(*memory, *judges_[memory->cluster])) {
          replayed_.notes.push_back(std::move(problem));
        }
      } else if (const auto* standing = std::get_if<Standing>(&*record)) {
        judges_[standing->item.cluster]->absorb(standing->item);
      } else if (const auto* item = std::get_if<StreamItem>(&*record)) {
        if (options_.to && item->at > *options_.to) break;
        take(*item);
      }
    }
    for (const std::string& note : reader_.notes()) replayed_.notes.push_back(note);
    replayed_.timeline = timeline_.take();
    replayed_.changes_untold = timeline_.untold();
    replayed_.verdicts = verdicts();
    return std::move(replayed_);
  }

 private:
  void take(const StreamItem& item) {
    if (replayed_.items++ == 0) replayed_.began = item.at;
    replayed_.ended = item.at;
    Judge& judge = *judges_[item.cluster];
    judge.absorb(item);
    if (!std::holds_alternative<Tick>(item.what)) return;
    ++replayed_.ticks;
    timeline_.note(judge, item.at);
    if (options_.after_tick) options_.after_tick(item.at, judges_);
  }

  ViewPtr verdicts() const {
    auto view = std::make_shared<View>();
    view->generated_at = replayed_.ended;
    for (const auto& judge : judges_) show(*judge, *view);
    return view;
  }

  RecordingReader reader_;
  const ReplayOptions& options_;
  Limits limits_;
  FeaturePlan plan_;
  std::vector<std::unique_ptr<Judge>> judges_;
  Timeline timeline_;
  Replayed replayed_;
};

}  // namespace

Status are_known(const DetectorParams& set) {
  Config config;
  config.clusters.emplace_back().flink.emplace_back();
  config.detector_params = set;
  return validate(config);
}

Result<Replayed> replay(const std::string& path, const ReplayOptions& options) {
  if (const Status ok = are_known(options.set); !ok) return ok.error();
  Result<RecordingReader> reader = RecordingReader::open(path);
  if (!reader) return reader.error();
  std::vector<Metric> exported;
  for (const std::string& name : reader->opening().exported) {
    // One that is no more is read by nobody.
    if (const Result<Metric> metric = parse_metric(name)) exported.push_back(*metric);
  }
  return Player(std::move(*reader), options, std::move(exported)).play();
}

}  // namespace doctor
