// Look-ups run on at most four detached threads that share State and nothing else. A look-up that
// hangs keeps its thread until libc lets go; nobody waits for it, and while it hangs the same name
// is not tried again. Loops are expected to run on one thread each.
#include "agent/net/resolver.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "agent/thread.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using Timer = std::shared_ptr<asio::steady_timer>;
using Name = std::pair<std::string, std::uint16_t>;

constexpr std::size_t kWorkersMax = 4;
constexpr std::size_t kQueueMax = 1024;
constexpr std::size_t kKeptMax = 1024;
constexpr std::size_t kAddressesMax = 16;

/// One look-up, shared by all who ask for the same name meanwhile. Guarded by State::mutex.
struct Job {
  Name name;
  std::vector<Timer> waiters;
  std::optional<Clock::time_point> started;  // by a worker
  std::optional<Result<Resolver::Addresses>> result;
};
using JobPtr = std::shared_ptr<Job>;

Error no_address(const std::string& host, const std::string& why) {
  return {ErrorCode::name_resolution, "cannot resolve " + printable(host) + ": " + why};
}

}  // namespace

struct Resolver::State {
  State(const Limits& limits, Lookup a_lookup)
      : deadline(limits.resolve_deadline_ms), lookup(std::move(a_lookup)) {}

  /// Joins the running look-up of that name or starts one; null with `refusal` set when hopeless.
  JobPtr submit(const std::shared_ptr<State>& self, const Name& name, const Timer& waiter,
                std::string& refusal);
  void leave(const JobPtr& job, const Timer& waiter);
  Result<Addresses> answer(const JobPtr& job, const Name& name, const std::string& refusal);
  void stop();

  const std::chrono::milliseconds deadline;

 private:
  static void work(std::shared_ptr<State> self);
  static bool spawn(const std::shared_ptr<State>& self);
  void finish(const JobPtr& job, Result<Addresses> result);
  bool hangs(const Job& job) const;  // past every deadline, and so is given up
  bool all_workers_hang() const;

  const Lookup lookup;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<JobPtr> queue;
  std::map<Name, JobPtr> in_flight;  // queued or running
  std::map<Name, Addresses> last_good;
  std::size_t workers{0};
  std::size_t idle{0};
  bool stopping{false};
};

Resolver::Resolver(const Limits& limits, Lookup lookup)
    : state_(std::make_shared<State>(limits, std::move(lookup))) {}

Resolver::~Resolver() { state_->stop(); }

asio::awaitable<Result<Resolver::Addresses>> Resolver::resolve(std::string host,
                                                               std::uint16_t port) {
  boost::system::error_code not_literal;
  const asio::ip::address literal = asio::ip::make_address(host, not_literal);
  if (!not_literal) co_return Addresses{tcp::endpoint(literal, port)};

  const std::shared_ptr<State> state = state_;  // the resolver may go while we wait
  const Name name(host, port);
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const Timer waiter = std::make_shared<asio::steady_timer>(executor, state->deadline);
  std::string refusal;
  const JobPtr job = state->submit(state, name, waiter, refusal);
  // Also runs when the loop is destroyed under us: afterwards no worker touches the loop.
  struct Leave {
    const std::shared_ptr<State>& state;
    const JobPtr& job;
    const Timer& waiter;
    ~Leave() {
      if (job) state->leave(job, waiter);
    }
  } const leave{state, job, waiter};

  if (job) co_await waiter->async_wait(asio::as_tuple(asio::use_awaitable));
  const asio::cancellation_state cancellation = co_await asio::this_coro::cancellation_state;
  if (cancellation.cancelled() != asio::cancellation_type::none) {
    co_return Error{ErrorCode::cancelled, "the look-up of " + printable(host) + " was cancelled"};
  }
  co_return state->answer(job, name, refusal);
}

Result<Resolver::Addresses> Resolver::system_lookup(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (code != 0) return no_address(host, ::gai_strerror(code));
  Addresses addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    tcp::endpoint endpoint;
    if (entry->ai_addrlen > endpoint.capacity() || addresses.size() == kAddressesMax) continue;
    std::copy_n(reinterpret_cast<const char*>(entry->ai_addr), entry->ai_addrlen,
                reinterpret_cast<char*>(endpoint.data()));
    endpoint.resize(entry->ai_addrlen);
    endpoint.port(port);
    if (std::find(addresses.begin(), addresses.end(), endpoint) == addresses.end()) {
      addresses.push_back(endpoint);
    }
  }
  ::freeaddrinfo(list);
  if (addresses.empty()) return no_address(host, "it has no address");
  return addresses;
}

JobPtr Resolver::State::submit(const std::shared_ptr<State>& self, const Name& name,
                               const Timer& waiter, std::string& refusal) {
  const std::lock_guard lock(mutex);
  if (const auto found = in_flight.find(name); found != in_flight.end()) {
    if (hangs(*found->second)) {
      refusal = "an earlier look-up still hangs";
      return nullptr;
    }
    found->second->waiters.push_back(waiter);
    return found->second;
  }
  if (all_workers_hang() || queue.size() >= kQueueMax) {
    refusal = "too many look-ups hang already";
    return nullptr;
  }
  if (queue.size() >= idle && workers < kWorkersMax && !spawn(self) && workers == 0) {
    refusal = "no thread could be started";
    return nullptr;
  }
  auto job = std::make_shared<Job>();
  job->name = name;
  job->waiters.push_back(waiter);
  in_flight.emplace(name, job);
  queue.push_back(job);
  wake.notify_one();
  return job;
}

void Resolver::State::leave(const JobPtr& job, const Timer& waiter) {
  const std::lock_guard lock(mutex);
  std::erase(job->waiters, waiter);
  if (job->waiters.empty() && !job->started && !job->result) {
    std::erase(queue, job);  // nobody asks any more
    in_flight.erase(job->name);
  }
}

Result<Resolver::Addresses> Resolver::State::answer(const JobPtr& job, const Name& name,
                                                    const std::string& refusal) {
  const std::lock_guard lock(mutex);
  if (job && job->result && job->result->ok()) return *job->result;
  if (const auto kept = last_good.find(name); kept != last_good.end()) return kept->second;
  if (job && job->result) return *job->result;
  return no_address(name.first, job ? "the resolver did not answer within " +
                                          format_duration_ms(static_cast<double>(deadline.count()))
                                    : refusal);
}

void Resolver::State::stop() {
  const std::lock_guard lock(mutex);
  stopping = true;
  wake.notify_all();
}

bool Resolver::State::hangs(const Job& job) const {
  return job.started && Clock::now() - *job.started >= deadline;
}

bool Resolver::State::all_workers_hang() const {
  const auto hanging = std::count_if(in_flight.begin(), in_flight.end(),
                                     [this](const auto& entry) { return hangs(*entry.second); });
  return static_cast<std::size_t>(hanging) >= kWorkersMax;
}

bool Resolver::State::spawn(const std::shared_ptr<State>& self) {
  const bool started = start_detached_thread([self] { work(self); });
  if (started) ++self->workers;
  return started;
}

void Resolver::State::work(std::shared_ptr<State> self) {
  std::unique_lock lock(self->mutex);
  for (;;) {
    ++self->idle;
    self->wake.wait(lock, [&] { return self->stopping || !self->queue.empty(); });
    --self->idle;
    if (self->stopping) return;
    const JobPtr job = self->queue.front();
    self->queue.pop_front();
    job->started = Clock::now();
    lock.unlock();
    Result<Addresses> result = self->lookup(job->name.first, job->name.second);
    lock.lock();
    self->finish(job, std::move(result));
  }
}

void Resolver::State::finish(const JobPtr& job, Result<Addresses> result) {
  in_flight.erase(job->name);
  if (result.ok()) {
    if (last_good.size() >= kKeptMax && !last_good.contains(job->name)) {
      last_good.erase(last_good.begin());
    }
    last_good.insert_or_assign(job->name, result.value());
  }
  job->result = std::move(result);
  // Posted under the mutex: a waiter still listed keeps its loop alive until it has left.
  for (Timer& waiter : job->waiters) {
    const asio::any_io_executor executor = waiter->get_executor();
    asio::post(executor, [timer = std::move(waiter)] { timer->cancel(); });
  }
  job->waiters.clear();
}

}  // namespace doctor
