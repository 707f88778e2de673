// Finds the endpoints of a TargetSpec, again and again: DNS names, target files and TaskManagers
// change while we watch.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "agent/discovery/targets.hpp"
#include "agent/net/resolver.hpp"

namespace doctor {

class Discovery {
 public:
  Discovery(TargetSpec spec, Resolver& resolver, const Limits& limits)
      : spec_(std::move(spec)), resolver_(resolver), limits_(limits) {}

  bool is_local() const { return spec_.kind == TargetSpec::Kind::local; }
  bool is_fixed() const { return spec_.kind == TargetSpec::Kind::fixed || is_local(); }
  /// Found by watching rather than by looking again: see at().
  bool is_watched() const {
    return spec_.kind == TargetSpec::Kind::kubernetes || spec_.kind == TargetSpec::Kind::nodes;
  }
  /// Found by looking again: see find().
  bool is_sought() const { return !is_fixed() && !is_watched(); }
  /// Every target should answer; otherwise they are ports of which some may hold a reporter.
  bool expects_each() const;
  const std::string& text() const { return spec_.text; }
  const TargetSpec& spec() const { return spec_; }

  /// Sorted, each once. `task_manager_hosts` is what REST told last. An error tells nothing about
  /// the targets: those known before stay.
  boost::asio::awaitable<Result<std::vector<Endpoint>>> find(
      const std::vector<std::string>& task_manager_hosts);
  /// The same for given hosts: a target for each of its ports on each of them.
  Result<std::vector<Endpoint>> at(const std::vector<std::string>& hosts) const;

 private:
  Result<std::vector<Endpoint>> tidied(Result<std::vector<Endpoint>> found) const;
  boost::asio::awaitable<Result<std::vector<Endpoint>>> resolve();
  Result<std::vector<Endpoint>> read_file() const;
  Result<std::vector<Endpoint>> on_hosts(const std::vector<std::string>& hosts) const;

  TargetSpec spec_;
  Resolver& resolver_;
  Limits limits_;
};

}  // namespace doctor
