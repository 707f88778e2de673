#include "agent/backfill/backfill.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <cmath>
#include <utility>

#include "detectors/registry.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;

// Stores show a scrape only after a while: VictoriaMetrics after 30 s.
constexpr DurationMs kSettledMs = 30 * kSecondMs;
constexpr double kShareSaid = 0.1;

std::vector<Event> submissions_of(std::vector<JobSummary> jobs, TimestampMs from) {
  std::vector<Event> submissions;
  for (JobSummary& job : jobs) {
    if (job.start < from) continue;
    Event& submitted = submissions.emplace_back();
    submitted.kind = EventKind::job_submitted;
    submitted.at = job.start;
    submitted.source = kHistoryBit;
    submitted.subject = std::move(job.id);
    submitted.text = std::move(job.name);
  }
  std::sort(submissions.begin(), submissions.end(),
            [](const Event& a, const Event& b) { return a.at < b.at; });
  return submissions;
}

std::string percent(double share) { return std::to_string(std::lround(share * 100)) + " %"; }

}  // namespace

void stream(const query_range::Past& past, std::span<const Event> submissions, ClusterIndex cluster,
            const Emit& emit, const std::function<void(TimestampMs)>& after) {
  auto submitted = submissions.begin();
  for (std::size_t step = 0; step < past.span().steps; ++step) {
    const TimestampMs at = past.span().at(step);
    for (; submitted != submissions.end() && submitted->at <= at; ++submitted) {
      emit({cluster, at, *submitted});
    }
    for (Batch& batch : past.batches(step)) emit({cluster, at, std::move(batch)});
    if (after) after(at);
  }
}

Backfill::Backfill(ClusterIndex cluster, std::string name, const BackfillSettings& settings,
                   WalkPorts ports, Emit emit, Say say)
    : cluster_(cluster),
      settings_(settings),
      ports_(std::move(ports)),
      emit_(std::move(emit)),
      say_(std::move(say)) {
  health_.cluster = std::move(name);
  health_.state = "waiting";
}

asio::awaitable<void> Backfill::run(TimestampMs known_until, std::vector<JobSummary> listed) {
  const TimestampMs now = ports_.clock();
  const TimestampMs to = now - kSettledMs;
  const TimestampMs from = std::max(now - settings_.window_ms, known_until + 1);
  listed_ = submissions_of(std::move(listed), from);
  health_.state = "running";
  say_(health_.cluster + ": reading " +
       format_duration_ms(static_cast<double>(std::max<DurationMs>(to - from, 0))) +
       " of the past from " + settings_.store.url());
  ports_.told = [this](const query_range::Past& past, double share) { told(past, share); };
  Walk walk(settings_, depths(FeaturePlan(all_detectors())), ports_);
  for (const Event& submitted : listed_) walk.knows(submitted.subject);
  const Walked walked = co_await walk.run(from, to, now + settings_.patience_ms);
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return;
  // Those since the newest that the store has shown.
  for (Event& submitted : listed_until(now)) emit_({cluster_, now, std::move(submitted)});
  ended(walked);
}

/// Submissions up to then that were not told yet.
std::vector<Event> Backfill::listed_until(TimestampMs at) {
  std::vector<Event> submissions;
  for (; listed_told_ < listed_.size() && listed_[listed_told_].at <= at; ++listed_told_) {
    submissions.push_back(listed_[listed_told_]);
  }
  return submissions;
}

void Backfill::told(const query_range::Past& past, double share) {
  const query_range::Span& span = past.span();
  std::vector<Event> submissions = listed_until(span.steps == 0 ? 0 : span.at(span.steps - 1));
  submissions.insert(submissions.end(), past.submissions().begin(), past.submissions().end());
  std::stable_sort(submissions.begin(), submissions.end(),
                   [](const Event& a, const Event& b) { return a.at < b.at; });
  stream(past, submissions, cluster_, emit_, {});
  health_.share_done = share;
  health_.samples += past.samples();
  if (share - share_said_ < kShareSaid || share >= 1) return;
  share_said_ = share;
  say_(health_.cluster + ": " + percent(share) + " of the past is read");
}

void Backfill::ended(const Walked& walked) {
  for (const std::string& warning : walked.warnings) {
    say_(health_.cluster + ": the store warns: " + warning);
  }
  const std::string what = std::to_string(walked.samples) + " samples of the past";
  if (!walked.status) {
    health_.state = printable(walked.status.error().message, 300);
    say_(health_.cluster + ": no more than " + what + " from " + settings_.store.url() + " (" +
         percent(health_.share_done) + "): " + health_.state);
    return;
  }
  if (walked.skipped_ms > 0) {
    say_(health_.cluster + ": " + format_duration_ms(static_cast<double>(walked.skipped_ms)) +
         " of the past are skipped, for want of time: the store is slow, and patience is " +
         format_duration_ms(static_cast<double>(settings_.patience_ms)));
  }
  health_.state = "done";
  health_.share_done = 1;
  if (walked.samples == 0) {
    health_.state = "no sample of Flink matches";
    say_(health_.cluster + ": " + settings_.store.url() +
         " knows no metric of Flink's reporters that matches; see `match`");
    return;
  }
  say_(health_.cluster + ": " + what + " are read" +
       (walked.series_dropped == 0
            ? ""
            : "; " + std::to_string(walked.series_dropped) + " series without a place are not"));
}

}  // namespace doctor
