// table_reader: takes from one table what is expected there, and finds everything else: keys that
// nobody asked for, values of another type, numbers out of range. It goes on after a finding.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "document.hpp"

namespace host {

enum class need : bool { optional, required };

class table_reader {
public:
    /// `what`: for a sentence, "a grant". All are borrowed.
    table_reader(const table& from, place where, std::string_view what, findings& found)
        : from_{from}
        , where_{where}
        , what_{what}
        , found_{found} {}

    /// The text under a key. Nothing, perhaps with a finding, if there is none.
    std::optional<std::string> text(std::string_view key, need n = need::optional);
    std::optional<bool> flag(std::string_view key);
    /// `hint`: ends the finding about one that is out of range.
    std::optional<std::int64_t> number(std::string_view key, std::int64_t least,
                                       std::int64_t most = std::numeric_limits<std::int64_t>::max(),
                                       std::string_view hint = {});
    /// Lists of anything; an absent one is empty.
    const list& values(std::string_view key, need n = need::optional);
    /// f(const value&, table_reader&) for each table of a list.
    template <class F>
    void tables(std::string_view key, std::string_view what, need n, F&& f) {
        for (const value& v : values(key, n)) {
            const table* t = v.as<table>();
            if (!t) {
                wrong(v, key, "a list of tables");
                continue;
            }
            table_reader inner{*t, v.where, what, found_};
            f(v, inner);
            inner.done();
        }
    }
    /// f(table_reader&) for a table.
    template <class F>
    void inside(std::string_view key, F&& f) {
        const entry* e = find(key, need::optional);
        if (!e) return;
        const table* t = e->holds.as<table>();
        if (!t) return wrong(e->holds, key, "a table");
        table_reader inner{*t, e->holds.where, key, found_};
        f(inner);
        inner.done();
    }
    /// Of a value under `key`: something else was expected.
    void wrong(const value& v, std::string_view key, std::string_view expected,
               std::string_view hint = {});
    void add(place where, std::string what) { found_.add(where, std::move(what)); }
    bool has(std::string_view key) const { return at(key) != nullptr; }
    /// Of a key, or of the table when it has no such key.
    place place_of(std::string_view key) const { return has(key) ? at(key)->where : where_; }

    /// Everything has been asked for: what is left is not known.
    void done();

private:
    const entry* at(std::string_view key) const;
    const entry* find(std::string_view key, need n);

    const table& from_;
    place where_;
    std::string_view what_;
    findings& found_;
    std::vector<std::string_view> asked_;
};

/// "a", "b" or "c", for a sentence.
std::string one_of(const std::vector<std::string_view>& words);
/// In quotation marks, shortened, and without bytes that would shape a line.
std::string quoted(std::string_view text);

} // namespace host
