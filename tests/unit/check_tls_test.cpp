// `check` from a configuration text to the report, of a recorded cluster behind TLS and a token.
#include <thread>

#include "agent/check.hpp"
#include "agent/delivery/document.hpp"
#include "agent/delivery/report.hpp"
#include "tests/unit/rest_fixtures.hpp"
#include "tests/unit/tls_fixture.hpp"

namespace doctor {
namespace {

using testing::HasSubstr;
using testing::Not;

class CheckTls : public TlsTest {
 protected:
  /// A proxy before Flink: takes our certificate and "Bearer canary", else answers 401.
  loopback::ScriptServer::Script flink() {
    FakeHttp recorded;
    RecordedCluster{"1.20"}.play(recorded);
    std::map<std::string, std::string> bodies;
    for (const auto& [target, replies] : recorded.script) {
      if (replies.back().status != 200) continue;
      bodies[target.substr(0, target.find('?'))] = replies.back().body;
    }
    TlsManners its = manners();
    its.client_authority = authority.certificate();
    return with_tls(its, [bodies](const TlsPeer& peer) {
      const std::string asked = peer.receive_until("\r\n\r\n");
      std::string path = asked.substr(4, asked.find(' ', 4) - 4);
      path = path.substr(0, path.find('?'));
      const auto found = bodies.find(path);
      const bool known = asked.find("\r\nAuthorization: Bearer canary\r\n") != std::string::npos;
      const int status = !known ? 401 : found == bodies.end() ? 404 : 200;
      const std::string text = status == 200 ? found->second : R"({"errors":["not for canary"]})";
      peer.send("HTTP/1.1 " + std::to_string(status) +
                " X\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text);
      peer.say_goodbye();
    });
  }
  CheckResult check_with(std::uint16_t port, const std::string& token_file) {
    show(authority.issue());
    CheckOptions options;
    Result<Config> config = parse_config(
        "clusters:\n- name: orders\n  flink: [\"https://127.0.0.1:" + std::to_string(port) +
        "\"]\n  tls: {ca_file: " + path("ca.pem") + ", certificate_file: " + path("client.pem") +
        ", key_file: " + path("client.key") + "}\n  auth: {bearer_token_file: " + token_file +
        "}\n");
    EXPECT_TRUE(config) << (config ? "" : config.error().message);
    options.config = std::move(*config);
    options.wait_ms = 10;
    options.progress = false;
    return check(std::move(options));
  }
};

TEST_F(CheckTls, DiagnosesThroughTlsWithAToken) {
  const loopback::ScriptServer server(flink());
  const CheckResult result = check_with(server.port(), write("token", "canary\n"));
  EXPECT_NE(result.exit_code, kExitCannotJudge) << result.why;
  ASSERT_TRUE(result.view);
  EXPECT_EQ(result.view->clusters.at(0).status, ClusterStatus::ok) << text_report(*result.view, {});
  EXPECT_THAT(text_report(*result.view, {}), Not(HasSubstr("canary")));
  EXPECT_THAT(findings_document(*result.view), Not(HasSubstr("canary")));
}

TEST_F(CheckTls, SaysWhichCredentialIsRefused) {
  const loopback::ScriptServer server(flink());
  const CheckResult result = check_with(server.port(), write("token", "canary-of-yesterday\n"));
  EXPECT_EQ(result.exit_code, kExitCannotJudge);
  EXPECT_THAT(result.why, HasSubstr("HTTP 401: it refuses the token of " + path("token")));
  EXPECT_THAT(text_report(*result.view, {}), Not(HasSubstr("canary")));
  EXPECT_THAT(findings_document(*result.view), Not(HasSubstr("canary")));
}

TEST_F(CheckTls, SaysWhichFileIsMissing) {
  const loopback::ScriptServer server(flink());
  const CheckResult result = check_with(server.port(), path("nowhere"));
  EXPECT_EQ(result.exit_code, kExitCannotJudge);
  EXPECT_THAT(result.why, HasSubstr("cannot read " + path("nowhere")));
}

}  // namespace
}  // namespace doctor
