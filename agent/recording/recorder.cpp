#include "agent/recording/recorder.hpp"

#include <algorithm>
#include <cstdlib>
#include <random>
#include <utility>

#include "agent/recording/enumerators.hpp"
#include "agent/recording/format.hpp"
#include "agent/recording/memory.hpp"

namespace doctor {
namespace {

constexpr DurationMs kTryAgainMs = 30 * kSecondMs;

std::uint64_t random_number() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32U | device();
}

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::start(const RecordSettings& settings, Judges judges,
                                                  std::span<const Metric> exported,
                                                  const std::vector<Memory>& restored,
                                                  TimestampMs now) {
  Result<std::unique_ptr<FrameWriter>> writer = FrameWriter::start(settings);
  if (!writer) return writer.error();
  std::unique_ptr<Recorder> recorder(new Recorder(settings, judges, exported, std::move(*writer)));
  recorder->begin_file(now, &restored);
  return recorder;
}

Recorder::Recorder(const RecordSettings& settings, Judges judges, std::span<const Metric> exported,
                   std::unique_ptr<FrameWriter> writer)
    : settings_(settings),
      judges_(judges),
      redaction_(settings.redact),
      writer_(std::move(writer)),
      made_(judges.size()) {
  opening_.recording = random_number();
  opening_.program = DOCTOR_VERSION;
  opening_.redacted = settings.redact;
  for (const auto& judge : judges_) opening_.clusters.push_back(judge->config());
  if (!judges_.empty()) opening_.series_max = judges_.front()->features().budget().series_max();
  for (const Metric metric : exported) {
    if (!is_user_metric(metric)) opening_.exported.emplace_back(info(metric).name);
  }
  for (std::size_t i = 0; i < judges_.size(); ++i) judges_[i]->entities().tell_made(&made_[i]);
}

Recorder::~Recorder() {
  for (const auto& judge : judges_) judge->entities().tell_made(nullptr);
  if (is_writing_) end_frame(true);
}

void Recorder::record(const StreamItem& item) {
  if (!is_able(item.at)) {
    ++lost_;
    return;
  }
  // What stands at the beginning of a file must not fill file after file.
  const bool has_room = writer_->file_bytes() + encoder_.size() <= settings_.bytes_max ||
                        std::abs(item.at - file_began_) < format::kFrameAgeMaxMs;
  if (!has_room) {
    end_frame(true);
    begin_file(item.at, nullptr);
  }
  put_made(item.cluster);
  put(item);
  ++frame_items_;
  const bool is_due = std::abs(item.at - frame_began_) >= format::kFrameAgeMaxMs;
  if (is_due || encoder_.size() >= format::kFrameBytesWanted) {
    end_frame(false);
    frame_began_ = item.at;
  }
}

/// What was pushed before a failure is lost with it; how much of that the disk still took is not
/// known.
bool Recorder::is_able(TimestampMs now) {
  if (is_writing_ && writer_->state() == "ok") return true;
  if (is_writing_) {
    is_writing_ = false;
    stopped_at_ = now;
    lost_ += std::exchange(frame_items_, 0);
    encoder_.take();
  }
  if (std::abs(now - stopped_at_) < kTryAgainMs || !writer_->is_idle()) return false;
  begin_file(now, nullptr);
  return is_writing_;
}

void Recorder::begin_file(TimestampMs at, const std::vector<Memory>* restored) {
  encoder_.forget();
  is_fresh_ = begins_file_ = is_writing_ = true;
  frame_began_ = file_began_ = at;
  opening_.at = at;
  opening_.lost = lost_ - lost_told_;
  lost_told_ = lost_;
  put(opening_);
  ++opening_.segment;
  for (ClusterIndex cluster = 0; cluster < judges_.size(); ++cluster) {
    if (restored == nullptr) put(remember(*judges_[cluster], cluster, at));
    made_[cluster].clear();
  }
  if (restored != nullptr) {
    for (const Memory& memory : *restored) put(memory);
  }
  for (ClusterIndex cluster = 0; cluster < judges_.size(); ++cluster) {
    put_below(cluster, kClusterEntity);
    if (restored == nullptr) put_standing(cluster, at);
  }
  end_frame(false);
}

void Recorder::put_made(ClusterIndex cluster) {
  for (const EntityId id : std::exchange(made_.at(cluster), {})) put_entity(cluster, id);
}

void Recorder::put_below(ClusterIndex cluster, EntityId parent) {
  for (std::size_t level = 0; level < kEnumerators<Level>; ++level) {
    const EntityTable& table = judges_[cluster]->entities();
    for (const EntityId id : table.children(parent, static_cast<Level>(level))) {
      put_entity(cluster, id);
      put_below(cluster, id);
    }
  }
}

void Recorder::put_entity(ClusterIndex cluster, EntityId id) {
  const EntityTable& table = judges_[cluster]->entities();
  const Entity& entity = table.at(id);
  put(EntityMade{cluster, id, entity.level, entity.parent, entity.index, table.name(id)});
}

void Recorder::put_standing(ClusterIndex cluster, TimestampMs at) {
  const ClusterView view = judges_[cluster]->view();
  const auto stand = [&](auto what) { put(Standing{{cluster, at, std::move(what)}}); };
  for (const SourceHealth& source : view.sources) stand(source);
  if (view.facts) stand(view.facts);
  for (const JobFactsPtr& job : view.jobs) stand(job);
  for (const KubernetesFactsPtr& pods : view.kubernetes) stand(pods);
}

void Recorder::put(Record record) {
  redaction_.apply(record);
  encoder_.put(record);
}

void Recorder::end_frame(bool is_last) {
  const auto flags =
      static_cast<std::uint8_t>((is_fresh_ ? format::kFresh : 0) | (is_last ? format::kLast : 0));
  Frame frame{encoder_.take(), flags};
  if (frame.bytes.size() > format::kFrameBytesMax ||
      !writer_->push(std::move(frame), begins_file_)) {
    lost_ += frame_items_;
    is_writing_ = false;
  }
  frame_items_ = 0;
  begins_file_ = is_fresh_ = false;
  if (!encoder_.is_full()) return;
  encoder_.forget();
  is_fresh_ = true;
}

std::string Recorder::state() const {
  const std::string state = writer_->state();
  if (state != "ok" || is_writing_) return state;
  return "the disk does not keep up";
}

}  // namespace doctor
