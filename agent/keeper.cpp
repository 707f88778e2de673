#include "agent/keeper.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "agent/history/image.hpp"

namespace doctor {
namespace {

/// A large image is written more seldom, so that it costs the disk no more than a small one: what
/// comes between two of them is in the journal, whose last kTailMs are read at a start.
constexpr DurationMs kImageAgeMinMs = 30 * kSecondMs;
constexpr DurationMs kImageAgeMaxMs = 2 * kMinuteMs;
static_assert(2 * kImageAgeMaxMs < kTailMs);
constexpr std::size_t kImageBytesPerSecond = 1U << 10U;

DurationMs age_of_image(std::size_t bytes) {
  const auto seconds = static_cast<DurationMs>(bytes / kImageBytesPerSecond);
  return std::clamp(seconds * kSecondMs, kImageAgeMinMs, kImageAgeMaxMs);
}

std::string features_key(const std::string& cluster) { return "features/" + cluster; }
std::string findings_key(const std::string& cluster) { return "findings/" + cluster; }

Image image_of(const Images& images, const std::string& key) {
  const auto found = images.find(key);
  return found == images.end() ? Image{} : found->second;
}

}  // namespace

Result<std::unique_ptr<Keeper>> Keeper::open(const KeeperSettings& settings, Judges judges) {
  auto directory = std::make_shared<DataDirectory>(settings.directory);
  Result<std::unique_ptr<Store>> store = Store::open(directory);
  if (!store) return store.error();
  return std::unique_ptr<Keeper>(
      new Keeper(settings, judges, std::move(directory), std::move(*store)));
}

Status Keeper::bring_back(const FeaturePlan& plan, TimestampMs now) {
  const Images images = store_->load();
  const Result<Tail> tail = read_tail(settings_.directory);
  if (!tail) return tail.error();
  for (const std::string& problem : tail->problems) spdlog::warn("history: {}", problem);
  std::int64_t seq = tail->last_seq;
  for (ClusterIndex i = 0; i < judges_.size(); ++i) {
    const std::string& cluster = judges_[i]->config().cluster;
    const Image features = image_of(images, features_key(cluster));
    seq = std::max(seq, features.mark);
    restored_.push_back({i, now, image_of(images, findings_key(cluster)).body,
                         catch_up(features, cluster, *tail, plan, settings_.limits)});
    for (Batch& batch : samples_of_tasks(cluster, *tail, now, judges_[i]->entities())) {
      const TimestampMs at = batch.at;
      past_.push_back({i, at, std::move(batch)});
    }
  }
  Result<std::unique_ptr<History>> history = History::start(directory_, settings_.history, seq);
  if (!history) return history.error();
  history_ = std::move(*history);
  return Done{};
}

void Keeper::keep(const StreamItem& item, Judge& judge) {
  const std::string& cluster = judge.config().cluster;
  if (const auto* batch = std::get_if<Batch>(&item.what)) {
    history_->append(cluster, *batch, judge.entities());
  } else if (const auto* event = std::get_if<Event>(&item.what)) {
    if (event->kind == EventKind::job_submitted) history_->append_submission(cluster, event->at);
  }
}

void Keeper::remember(TimestampMs now, bool is_last) {
  if (store_->forgot()) {
    saved_findings_.clear();
    features_due_.clear();
  }
  for (const auto& judge : judges_) {
    const std::string& cluster = judge->config().cluster;
    std::string findings = findings_image(judge->incidents().report());
    std::string& saved = saved_findings_[cluster];
    if (findings != saved) store_->save(findings_key(cluster), {saved = std::move(findings), 0});
    TimestampMs& due = features_due_[cluster];
    if (now < due && !is_last) continue;
    std::string features = features_image(judge->features());
    due = now + age_of_image(features.size());
    store_->save(features_key(cluster), {std::move(features), history_->seq()});
  }
}

void Keeper::tell(AgentHealth& health) const {
  const HistoryHealth history = history_->health();
  const std::string images = store_->state();
  health.store_state = images != "ok" ? images : history.state;
  health.store_errors = store_->errors() + history.errors;
  health.history_lost = history.lost;
  health.history_damaged = history.damaged;
  health.history_bytes = history.bytes;
}

}  // namespace doctor
