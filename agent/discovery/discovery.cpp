#include "agent/discovery/discovery.hpp"

#include <algorithm>
#include <tuple>

#include "agent/net/small_file.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kFileBytesMax = 1 << 20;

bool before(const Endpoint& a, const Endpoint& b) {
  return std::tie(a.host, a.port) < std::tie(b.host, b.port);
}

bool same(const Endpoint& a, const Endpoint& b) { return a.host == b.host && a.port == b.port; }

}  // namespace

bool Discovery::expects_each() const {
  if (is_fixed()) return spec_.endpoints.size() == 1;
  return spec_.kind != TargetSpec::Kind::task_managers || spec_.port_from == spec_.port_to;
}

asio::awaitable<Result<std::vector<Endpoint>>> Discovery::find(
    const std::vector<std::string>& task_manager_hosts) {
  if (spec_.kind == TargetSpec::Kind::dns) {
    Result<std::vector<Endpoint>> resolved = co_await resolve();
    co_return tidied(std::move(resolved));
  }
  if (spec_.kind == TargetSpec::Kind::file) co_return tidied(read_file());
  if (spec_.kind == TargetSpec::Kind::task_managers) {
    co_return tidied(on_hosts(task_manager_hosts));
  }
  co_return tidied(spec_.endpoints);
}

Result<std::vector<Endpoint>> Discovery::at(const std::vector<std::string>& hosts) const {
  return tidied(on_hosts(hosts));
}

Result<std::vector<Endpoint>> Discovery::tidied(Result<std::vector<Endpoint>> found) const {
  if (!found) return found;
  std::sort(found->begin(), found->end(), before);
  found->erase(std::unique(found->begin(), found->end(), same), found->end());
  for (Endpoint& endpoint : *found) endpoint.access = spec_.access;
  return found;
}

asio::awaitable<Result<std::vector<Endpoint>>> Discovery::resolve() {
  const Result<Resolver::Addresses> addresses =
      co_await resolver_.resolve(spec_.name, spec_.port_from);
  if (!addresses) co_return addresses.error();
  std::vector<std::string> hosts;
  for (const auto& address : *addresses) hosts.push_back(address.address().to_string());
  co_return on_hosts(hosts);
}

Result<std::vector<Endpoint>> Discovery::read_file() const {
  const Result<Secret> text = read_small_file(spec_.name, kFileBytesMax);
  if (!text) return text.error();
  Result<std::vector<Endpoint>> endpoints =
      parse_file_targets(text->reveal(), limits_.targets_per_spec_max);
  if (!endpoints)
    return Error{endpoints.error().code, printable(spec_.name) + ": " + endpoints.error().message};
  return endpoints;
}

Result<std::vector<Endpoint>> Discovery::on_hosts(const std::vector<std::string>& hosts) const {
  std::vector<Endpoint> endpoints;
  for (const std::string& host : hosts) {
    for (int port = spec_.port_from; port <= spec_.port_to; ++port) {
      if (endpoints.size() >= limits_.targets_per_spec_max) {
        return Error{ErrorCode::too_large, "more than " +
                                               std::to_string(limits_.targets_per_spec_max) +
                                               " targets by " + printable(spec_.text, 100)};
      }
      endpoints.push_back({host, static_cast<std::uint16_t>(port), {}, spec_.tls, {}});
    }
  }
  return endpoints;
}

}  // namespace doctor
