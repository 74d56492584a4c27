// vmsigctl monitor: what happens, as it happens. Bytes and key codes are masked unless they are
// asked for, and granted.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "command.hpp"
#include "event_fields.hpp"
#include "rights.hpp"
#include "trouble.hpp"
#include "values.hpp"
#include "verbs.hpp"
#include "words.hpp"

using namespace vmsig;

namespace ctl {

namespace {

class watcher {
public:
    explicit watcher(context& c)
        : c_{c} {
        for (const std::string& s : c.given.all("--source")) sources_.insert(source_of(s));
        for (const std::string& k : c.given.all("--kind")) {
            kinds_.insert(k);
            const auto known = fixed_words(words::kind);
            if (std::find(known.begin(), known.end(), k) == known.end()) unheard_.insert(k);
        }
        for (const std::string& s : c.given.all("--show")) {
            const auto known = fixed_words(words::secret);
            if (std::find(known.begin(), known.end(), s) == known.end())
                throw misuse(fmt::format("--show={}: no such word", s), "one of bytes, keys");
            (s == "bytes" ? show_bytes_ : show_keys_) = true;
        }
        if (const auto n = c.given.find("--count")) count_ = number_of(*n);
        if (const auto d = c.given.find("--for")) length_ = duration_of(*d);
    }

    int run() {
        subscribe();
        const int code = watch();
        say_unheard();
        return code;
    }

private:
    static constexpr duration slice = milliseconds(200), patience = seconds(2);

    int watch() {
        const instant begun = connection::now();
        if (length_) until_ = begun + *length_;
        if (c_.timeout_given) late_ = begun + c_.timeout;
        while (count_ != 0) {
            const instant now = connection::now();
            if (now >= until_) break;
            if (now >= begun + patience) say_unheard();
            if (now >= late_) say_unheard();
            if (now >= late_)
                throw trouble{too_late,
                              fmt::format("not so many events within {}", text_of(c_.timeout))};
            if (const event* e = c_.bus().next(std::min({until_, late_, now + slice}))) {
                const event copy = *e;
                const auto beside = c_.bus().client().payload();
                const std::vector<std::byte> payload{beside.begin(), beside.end()};
                see(copy, payload);
            } else {
                c_.out.finish();
                if (nobody_reads()) break;
            }
        }
        return success;
    }

    /// Kinds of the host's own are told with their first event: until then nobody knows whether
    /// there is such a one.
    void say_unheard() {
        for (const std::string& kind : std::exchange(unheard_, {}))
            fmt::print(
                stderr,
                "vmsigctl: no event of a kind `{}` so far: it is none of the bus's own kinds "
                "(`vmsigctl monitor --help` lists them)\n",
                escaped(kind));
    }

    void subscribe() {
        subscription s;
        for (const std::string& name : c_.given.all("ENDPOINT")) {
            const auto found = c_.bus().client().find(name);
            c_.bus().check();
            if (!found) throw refused(found.error(), escaped(name));
            endpoints_.insert(found->value);
            s.on(*found);
        }
        if (!sources_.empty()) {
            vmsig::sources wanted;
            for (const source one : sources_) wanted = wanted | one;
            s.from(wanted);
        }
        if (endpoints_.empty() && sources_.empty()) return;
        const refusal r = c_.bus().client().subscribe(s);
        c_.bus().check();
        if (r != refusal::none) throw refused(r, "to watch that");
    }

    void see(const event& e, const std::vector<std::byte>& payload) {
        if (e.is(kind::replay_begin)) replayed_.insert(e.endpoint.value);
        const bool news = replayed_.count(e.endpoint.value) == 0;
        if (e.is(kind::replay_end)) replayed_.erase(e.endpoint.value);
        if (e.is(kind::grant_changed)) shown_.clear();
        const std::string name{c_.bus().client().name_of(e.kind)};
        unheard_.erase(name);
        if (!endpoints_.empty() && endpoints_.count(e.endpoint.value) == 0) return;
        if (!sources_.empty() && sources_.count(e.source) == 0) return;
        if (!kinds_.empty() && kinds_.count(name) == 0) return;
        if (!news && c_.given.has("--news")) return;
        print(e, name, payload, news);
        if (count_ != forever) --count_;
        c_.out.finish();
    }

    void print(const event& e, const std::string& kind_name, const std::vector<std::byte>& payload,
               bool news) {
        const std::string where = c_.bus().name_of(e.endpoint);
        const auto fields = fields_of(e, payload, may_show(e));
        if (c_.out.json) {
            nlohmann::ordered_json j;
            if (!c_.given.has("--no-time")) j["time_ns"] = e.timestamp.ns;
            j["endpoint"] = where;
            j["kind"] = kind_name;
            j["source"] = name_of_source(e.source).empty()
                              ? std::to_string(static_cast<unsigned>(e.source))
                              : std::string{name_of_source(e.source)};
            j["epoch"] = e.epoch.value;
            j["replayed"] = !news;
            if (e.origin) j["origin"] = id_of(e.origin.value);
            if (e.correlation) j["correlation"] = id_of(e.correlation.value);
            j.update(fields);
            return c_.out.object(j);
        }
        std::string text;
        if (!c_.given.has("--no-time"))
            text =
                c_.out.paint(fmt::format("[{:>12.6f}] ", static_cast<double>(e.timestamp.ns) / 1e9),
                             colour::dim);
        text +=
            fmt::format("{}  {}", escaped(where), c_.out.paint(escaped(kind_name), colour::bold));
        const std::string more = text_of_fields(fields);
        if (!more.empty()) text += "  " + more;
        if (e.origin) text += fmt::format("  by={}", id_of(e.origin.value).get<std::string>());
        c_.out.line(text);
    }

    /// What comes from `input` is taken for key codes, everything else for memory.
    bool may_show(const event& e) {
        const bool keys = e.source == source::input;
        if (!(keys ? show_keys_ : show_bytes_) || !e.endpoint) return false;
        const auto [at, fresh] = shown_.try_emplace({e.endpoint.value, keys}, false);
        if (!fresh) return at->second;
        machine m;
        m.id = e.endpoint;
        m.name = c_.bus().client().name_of(e.endpoint);
        at->second = may_do(c_.bus(), m, keys ? verb::input : verb::mem_read);
        if (!at->second)
            fmt::print(stderr, "vmsigctl: {}: {} stay masked: no right to them\n", escaped(m.name),
                       keys ? "keys" : "bytes");
        return at->second;
    }

    static bool nobody_reads() {
        ::pollfd p{STDOUT_FILENO, 0, 0};
        return ::poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0;
    }

    static constexpr std::uint64_t forever = UINT64_MAX;

    context& c_;
    std::set<std::uint64_t> endpoints_;
    std::set<source> sources_;
    std::set<std::string> kinds_;
    std::set<std::string> unheard_; ///< of those, what may be a kind of the host's own, or nothing
    bool show_bytes_ = false, show_keys_ = false;
    std::uint64_t count_ = forever;
    std::optional<duration> length_;
    instant until_ = instant::never(), late_ = instant::never();
    std::set<std::uint64_t> replayed_; ///< endpoints of which the past is being told
    std::map<std::pair<std::uint64_t, bool>, bool> shown_;
};

} // namespace

int monitor(context& c) { return watcher{c}.run(); }

} // namespace ctl
