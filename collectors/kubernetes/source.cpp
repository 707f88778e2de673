#include "collectors/kubernetes/source.hpp"

#include <algorithm>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

#include "collectors/kubernetes/ours.hpp"
#include "collectors/kubernetes/targets.hpp"
#include "collectors/kubernetes/watch_sink.hpp"
#include "collectors/percent_encoding.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;
using kubernetes::Look;
using kubernetes::WatchLine;

constexpr int kPodsPerPage = 100;  // of up to 20 kB each
constexpr DurationMs kListDeadlineMs = 15 * kSecondMs;
/// A watch lasts no longer, so that a connection that died without a word is noticed soon. Going on
/// costs the server one request.
constexpr DurationMs kWatchMinMs = 90 * kSecondMs;
constexpr DurationMs kWatchSpreadMs = 30 * kSecondMs;
constexpr DurationMs kWatchGraceMs = 15 * kSecondMs;
constexpr DurationMs kWatchTooShortMs = kSecondMs;
constexpr DurationMs kListAgainMs = 30 * kSecondMs;  // where watching is forbidden
constexpr int kRefusalsBelieved = 3;                 // of a watch that was allowed before

asio::awaitable<bool> cancelled() {
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

asio::awaitable<void> sleep(DurationMs duration_ms) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(std::chrono::milliseconds(duration_ms));
  co_await timer.async_wait(asio::use_awaitable);
}

template <typename T>
std::optional<T> valid(Result<T> parsed) {
  if (!parsed) return std::nullopt;
  return *std::move(parsed);
}

}  // namespace

KubernetesSource::KubernetesSource(KubernetesSourceConfig config, Http& http, const Limits& limits,
                                   Clock clock, Emit emit)
    : config_(std::move(config)),
      http_(http),
      limits_(limits),
      clock_(std::move(clock)),
      emit_(std::move(emit)),
      pods_(config_.source, limits),
      random_(static_cast<std::minstd_rand::result_type>(config_.seed)) {
  health_.id = config_.source;
  health_.kind = SourceKind::kubernetes;
  health_.address = config_.api_server.address() + " pods " +
                    kubernetes::selection_text(config_.namespace_, config_.selector);
}

asio::awaitable<void> KubernetesSource::poll() {
  const Status listed = co_await list();
  if (co_await cancelled()) co_return;
  if (!listed) co_return failed(listed.error());
  co_await look_at_all();
}

asio::awaitable<void> KubernetesSource::run() {
  for (;;) {
    const TimestampMs began = clock_();
    const Status listed = co_await list();
    if (co_await cancelled()) co_return;
    if (listed) {
      co_await watch_until_expired();
    } else {
      failed(listed.error());
      co_await back_off();
    }
    // Lists cost the server much: never one right after the other.
    const DurationMs early_ms = limits_.kubernetes_list_gap_ms - (clock_() - began);
    if (early_ms > 0) co_await sleep(early_ms);
  }
}

/// Returns when only a list helps.
asio::awaitable<void> KubernetesSource::watch_until_expired() {
  for (;;) {
    const TimestampMs began = clock_();
    const Watched how = co_await watch();
    if (co_await cancelled()) co_return;
    switch (how) {
      case Watched::well:
        // A server that ends every watch at once must not be asked in a circle.
        if (clock_() - began >= kWatchTooShortMs) break;
        ++failures_;
        co_await back_off();
        break;
      case Watched::cut:
        co_await back_off();
        break;
      case Watched::expired:
        co_return co_await back_off();
      case Watched::forbidden:
        co_return co_await sleep(kListAgainMs);
    }
  }
}

// --- list

asio::awaitable<Status> KubernetesSource::list() {
  std::vector<PodFacts> listed;
  std::string more;
  kubernetes::PodPage page;
  do {
    std::string target = pods_target("limit=" + std::to_string(kPodsPerPage));
    if (!more.empty()) target += "&continue=" + percent_encoded(more);
    const Result<Page> reply = co_await get(std::move(target));
    if (!reply) co_return reply.error();
    if (reply->status != 200) co_return refused(reply->status, reply->body, "list");
    Result<kubernetes::PodPage> parsed = kubernetes::parse_pod_page(reply->body, limits_);
    if (!parsed) co_return parsed.error();
    page = *std::move(parsed);
    std::move(page.pods.begin(), page.pods.end(), std::back_inserter(listed));
    // A page of nothing that promises more would go on for ever.
    const bool endless = page.pods.empty() || page.continue_token == more;
    more = endless ? std::string() : page.continue_token;
  } while (!more.empty() && listed.size() <= limits_.pods_max);
  resource_version_ = page.resource_version;
  std::vector<Event> events = pods_.replace(std::move(listed), clock_());
  well();
  publish(std::move(events));
  co_return Done{};
}

asio::awaitable<Result<KubernetesSource::Page>> KubernetesSource::get(std::string target) {
  HttpRequest request;
  request.endpoint = config_.api_server;
  request.target = std::move(target);
  request.accept_gzip = true;
  request.reads_forbidden = true;
  const std::size_t bytes_max = limits_.kubernetes_page_bytes_max;
  StringSink sink;
  const TimestampMs began = clock_();
  const Result<HttpReply> reply = co_await http_.exchange(
      std::move(request), sink, HttpCaps{bytes_max, bytes_max, kListDeadlineMs});
  ++health_.exchanges;
  health_.busy_ms += std::max<DurationMs>(0, clock_() - began);
  if (!reply) co_return reply.error();
  health_.bytes += reply->wire_bytes;
  co_return Page{reply->status, std::move(sink.text)};
}

std::string KubernetesSource::pods_target(const std::string& more) const {
  std::string target =
      "/api/v1/namespaces/" + percent_encoded(config_.namespace_) + "/pods?" + more;
  if (!config_.selector.empty()) {
    target += "&labelSelector=" + percent_encoded(config_.selector);
  }
  return target;
}

// --- watch

asio::awaitable<KubernetesSource::Watched> KubernetesSource::watch() {
  const auto lasts_ms =
      kWatchMinMs + static_cast<DurationMs>(random() * static_cast<double>(kWatchSpreadMs));
  HttpRequest request;
  request.endpoint = config_.api_server;
  request.target = pods_target(
      "watch=true&allowWatchBookmarks=true&timeoutSeconds=" + std::to_string(lasts_ms / kSecondMs) +
      "&resourceVersion=" + percent_encoded(resource_version_));
  request.reads_forbidden = true;
  bool expired = false;
  kubernetes::WatchSink sink(
      limits_.kubernetes_line_bytes_max, [this] { allowed(); },
      [&](std::string_view line) { return take_line(line, expired); });
  const std::size_t bytes_max = limits_.kubernetes_watch_bytes_max;
  const Result<HttpReply> reply = co_await http_.exchange(
      std::move(request), sink, HttpCaps{bytes_max, bytes_max, lasts_ms + kWatchGraceMs});
  ++health_.exchanges;
  if (co_await cancelled()) co_return Watched::cut;
  if (reply) health_.bytes += reply->wire_bytes;
  if (expired || (reply && reply->status == 410)) co_return Watched::expired;
  if (!reply) {
    // What could not be read is lost; what was only cut goes on where it was, and that is no
    // outage unless the next watch fails to begin.
    const Error& error = reply.error();
    const bool lost = error.code == ErrorCode::malformed || error.code == ErrorCode::too_large;
    if (lost || !sink.opened()) {
      failed(error);
    } else {
      note(error);
    }
    co_return lost ? Watched::expired : Watched::cut;
  }
  if (reply->status == 200) co_return Watched::well;
  const Error error = refused(reply->status, sink.refusal(), "watch");
  if (reply->status != 403) {
    failed(error);
    co_return reply->status >= 500 || reply->status == 429 ? Watched::cut : Watched::expired;
  }
  // A server that has just been started refuses what it allows a moment later.
  if (watch_allowed_ && ++watch_refusals_ < kRefusalsBelieved) {
    failed(error);
    co_return Watched::cut;
  }
  watch_forbidden_ = error;
  well();
  co_return Watched::forbidden;
}

void KubernetesSource::allowed() {
  watch_allowed_ = true;
  watch_refusals_ = 0;
  watch_forbidden_.reset();
  well();
}

Status KubernetesSource::take_line(std::string_view text, bool& expired) {
  const Result<WatchLine> line = kubernetes::parse_watch_line(text, limits_);
  if (!line) {
    ++health_.lines_malformed;
    ++health_.line_faults[LineFault::bad_json];
    return line.error();
  }
  if (line->kind == WatchLine::Kind::expired) {
    expired = true;
    return Done{};
  }
  if (line->kind == WatchLine::Kind::error) {
    expired = true;  // whatever it was: begin anew
    const Error error{ErrorCode::http_status, "the watch of pods ended: " + line->message};
    failed(error);
    return error;
  }
  failures_ = 0;
  resource_version_ = line->resource_version;
  std::vector<Event> events;
  const bool about_pod = line->kind != WatchLine::Kind::bookmark;
  if (about_pod) events = pods_.apply(*line, clock_());
  well();
  if (about_pod) publish(std::move(events));
  return Done{};
}

// --- what else there is: that it does not exist, or is not for us to see, is no fault

asio::awaitable<void> KubernetesSource::look_around() {
  for (;;) {
    // Named, both: GCC 12 lays the frame out wrongly when it holds temporaries alone.
    const bool pods_known = health_.ever_up;  // warnings are about them
    if (pods_known) co_await look_at_all();
    if (co_await cancelled()) co_return;
    const DurationMs rest_ms =
        pods_known ? limits_.kubernetes_list_gap_ms : limits_.kubernetes_back_off_min_ms;
    co_await sleep(rest_ms);
  }
}

asio::awaitable<void> KubernetesSource::look_at_all() {
  co_await look_at_deployments();
  co_await look_at_warnings();
}

/// False when it is not time yet, or nothing was told. `body` stays empty when there is nothing
/// that we may see.
asio::awaitable<bool> KubernetesSource::look(std::string target, Look& look,
                                             std::optional<std::string>& body) {
  const TimestampMs now = clock_();
  if (co_await cancelled() || now < look.due) co_return false;
  Result<Page> reply = co_await get(std::move(target));
  if (co_await cancelled()) co_return false;
  const int status = reply ? reply->status : 0;
  if (!look.believes(status, now)) co_return false;
  if (status == 200) body = std::move(reply->body);
  co_return true;
}

/// Rights are asked before what exists: who may not list them is refused also where nobody has
/// defined them. What is defined may be read by everybody.
asio::awaitable<bool> KubernetesSource::deployments_exist() {
  const Result<Page> group = co_await get(kubernetes::flink_group_target());
  co_return !group || group->status != 404;
}

asio::awaitable<void> KubernetesSource::look_at_deployments() {
  std::optional<std::string> body;
  std::string target = kubernetes::flink_deployments_target(config_.namespace_);
  const bool was_forbidden = deployments_look_.forbidden;
  if (!co_await look(std::move(target), deployments_look_, body)) co_return;
  if (deployments_look_.forbidden) deployments_look_.forbidden = co_await deployments_exist();
  std::optional<std::vector<FlinkDeploymentFacts>> found;
  if (body) found = valid(kubernetes::parse_deployments(*body, limits_));
  if (found) kubernetes::keep_ours(*found, config_.selector);
  if (found != deployments_ || was_forbidden != deployments_look_.forbidden) {
    deployments_ = std::move(found);
    publish({});
  }
}

asio::awaitable<void> KubernetesSource::look_at_warnings() {
  std::optional<std::string> body;
  std::string target = kubernetes::warnings_target(config_.namespace_);
  const bool was_forbidden = warnings_look_.forbidden;
  if (!co_await look(std::move(target), warnings_look_, body)) co_return;
  std::optional<std::vector<KubernetesWarning>> found;
  if (body) found = valid(kubernetes::parse_warnings(*body, limits_));
  if (found) {
    kubernetes::keep_ours(*found, config_.selector, facts());
    if (found->size() > limits_.pod_warnings_max) found->resize(limits_.pod_warnings_max);
  }
  if (found != warnings_ || was_forbidden != warnings_look_.forbidden) {
    warnings_ = std::move(found);
    publish({});
  }
}

// --- what comes out

Error KubernetesSource::refused(int status, const std::string& body, const char* verb) const {
  const std::string said = kubernetes::status_message(body);
  std::string text = config_.api_server.address() + ": HTTP " + std::to_string(status);
  if (status == 403) {
    text += ": the right to " + std::string(verb) + " pods in namespace " + config_.namespace_ +
            " is missing; a Role needs get, list and watch on pods";
  }
  return Error{ErrorCode::http_status, text + (said.empty() ? "" : " (" + said + ")")};
}

void KubernetesSource::publish(std::vector<Event> events) {
  for (Event& event : events) emit(std::move(event));
  emit(std::make_shared<const KubernetesFacts>(facts()));
}

KubernetesFacts KubernetesSource::facts() const {
  KubernetesFacts facts = pods_.facts();
  facts.deployments = deployments_;
  facts.warnings = warnings_;
  facts.deployments_forbidden = deployments_look_.forbidden;
  facts.warnings_forbidden = warnings_look_.forbidden;
  return facts;
}

void KubernetesSource::well() {
  const TimestampMs now = clock_();
  if (!health_.up) health_.since = now;
  health_.up = health_.ever_up = true;
  health_.last_success = now;
  health_.last_error = watch_forbidden_;
  health_.pods = pods_.size();
  emit(health_);
}

void KubernetesSource::failed(const Error& error) {
  if (health_.up || health_.since == 0) health_.since = clock_();
  health_.up = false;
  health_.last_error = error;
  note(error);
  emit(health_);
}

void KubernetesSource::note(const Error& error) {
  ++health_.errors[error.code];
  ++failures_;
}

asio::awaitable<void> KubernetesSource::back_off() {
  const int doublings = std::clamp(failures_ - 1, 0, 10);
  const DurationMs longest =
      std::min(limits_.kubernetes_back_off_max_ms, limits_.kubernetes_back_off_min_ms << doublings);
  const double part = 0.5 + 0.5 * random();
  co_await sleep(static_cast<DurationMs>(part * static_cast<double>(longest)));
}

double KubernetesSource::random() { return std::uniform_real_distribution<double>(0, 1)(random_); }

void KubernetesSource::emit(decltype(StreamItem::what) what) {
  emit_({config_.cluster, clock_(), std::move(what)});
}

}  // namespace doctor
