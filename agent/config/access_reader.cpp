#include "agent/config/access_reader.hpp"

#include <utility>

#include "model/text.hpp"

namespace doctor {

void AccessReader::read_tls(const YAML::Node& node, const std::string& path, HttpAccess& access) {
  TlsSettings& tls = access.tls;
  const auto set = [&](std::string& into) {
    return [&](const YAML::Node& n, const std::string& p) { into = text(n, p); };
  };
  fields(node, path,
         {{"ca_file", set(tls.ca_file)},
          {"certificate_file", set(tls.certificate_file)},
          {"key_file", set(tls.key_file)},
          {"server_name", set(tls.server_name)},
          {"insecure_skip_verify", [&](const YAML::Node& n, const std::string& p) {
             tls.insecure_skip_verify = yes_or_no(n, p);
           }}});
}

void AccessReader::read_auth(const YAML::Node& node, const std::string& path, HttpAccess& access) {
  AuthSettings& auth = access.auth;
  const auto set = [&](std::string& into) {
    return [&](const YAML::Node& n, const std::string& p) { into = text(n, p); };
  };
  fields(
      node, path,
      {{"basic",
        [&](const YAML::Node& n, const std::string& p) {
          fields(n, p,
                 {{"username", set(auth.username)}, {"password_file", set(auth.password_file)}});
        }},
       {"bearer_token_file", set(auth.bearer_token_file)},
       {"headers", [&](const YAML::Node& n, const std::string& p) {
          if (!n.IsMap()) return complain(p, "must be a map of header names");
          for (const auto& entry : n) {
            const auto name = entry.first.as<std::string>();
            auth.headers.push_back(read_header(name, entry.second, p + "." + printable(name, 60)));
          }
        }}});
}

ExtraHeader AccessReader::read_header(const std::string& name, const YAML::Node& node,
                                      const std::string& path) {
  ExtraHeader header{name};
  if (node.IsScalar()) {
    header.value = Secret(node.as<std::string>());
  } else {
    fields(
        node, path,
        {{"file", [&](const YAML::Node& n, const std::string& p) { header.file = text(n, p); }}});
  }
  return header;
}

std::shared_ptr<const HttpAccess> AccessReader::settle(HttpAccess access, bool any_tls) {
  for (const std::string& problem : problems_of(access)) {
    problems += (problems.empty() ? "" : "\n") + problem;
  }
  if (access.has_tls() && !any_tls) {
    complain(access.tls_block, "is of no use: no address it is for begins with https://");
  }
  return std::make_shared<const HttpAccess>(std::move(access));
}

}  // namespace doctor
