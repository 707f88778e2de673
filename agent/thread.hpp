// Threads beside the main loop.
#pragma once

#include <functional>
#include <optional>
#include <thread>

namespace doctor {

/// A thread that no signal reaches: those belong to the main loop. Nothing when the system gives no
/// more threads.
std::optional<std::thread> start_thread(std::function<void()> body);

/// The same for one that nobody waits for, since it may hang: all that `body` uses it owns or
/// shares. False when there is none.
bool start_detached_thread(std::function<void()> body);

}  // namespace doctor
