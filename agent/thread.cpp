#include "agent/thread.hpp"

#include <pthread.h>

#include <csignal>
#include <system_error>
#include <utility>

namespace doctor {

std::optional<std::thread> start_thread(std::function<void()> body) {
  // A new thread inherits the mask.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::optional<std::thread> started;
  try {
    started.emplace(std::move(body));
  } catch (const std::system_error&) {
    started.reset();
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

bool start_detached_thread(std::function<void()> body) {
  std::optional<std::thread> started = start_thread(std::move(body));
  if (started) started->detach();
  return started.has_value();
}

}  // namespace doctor
