// Exceptions as C++ programs use them: a calculator that reports errors by throwing, and what the language promises of destructors, order,
// bases, rethrowing and nesting. Prints what happens; a native build of the same source gives the answers.

#include <cstdio>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

int alive;

struct Guard {
    std::string name;
    explicit Guard(std::string name) : name(std::move(name)) { alive += 1; }
    Guard(const Guard &) = delete;
    ~Guard() {
        alive -= 1;
        std::printf("  ~%s\n", name.c_str());
    }
};

struct SyntaxError : std::runtime_error {
    std::size_t at;
    SyntaxError(const std::string &what, std::size_t at) : std::runtime_error(what), at(at) {}
};

struct Numbered {
    int number = 40;
    virtual ~Numbered() = default;
};

// The second base lies elsewhere than the object.
struct DivisionByZero : std::domain_error, Numbered {
    DivisionByZero() : std::domain_error("division by zero") { number += 2; }
};

class Calculator {
    const std::string &text;
    const std::map<std::string, double> &variables;
    std::size_t at = 0;
    int depth = 0;

    struct Level {
        int &depth;
        explicit Level(int &depth) : depth(depth) {
            if (++depth > 200) {
                --depth;
                throw std::length_error("nested too deeply");
            }
        }
        ~Level() { --depth; }
    };

    char peek() const { return at < text.size() ? text[at] : '\0'; }

    double atom() {
        Level level(depth);
        if (peek() == '(') {
            at += 1;
            double value = sum();
            if (peek() != ')')
                throw SyntaxError("expected )", at);
            at += 1;
            return value;
        }
        if (peek() == '-') {
            at += 1;
            return -atom();
        }
        if (peek() >= 'a' && peek() <= 'z') {
            std::string name;
            while (peek() >= 'a' && peek() <= 'z')
                name += text[at++];
            auto found = variables.find(name);
            if (found == variables.end())
                throw name;
            return found->second;
        }
        if (peek() < '0' || peek() > '9')
            throw SyntaxError(std::string("unexpected ") + (peek() ? peek() : '$'), at);
        double value = 0;
        while (peek() >= '0' && peek() <= '9')
            value = value * 10 + (text[at++] - '0');
        return value;
    }

    double product() {
        double value = atom();
        for (;;) {
            if (peek() == '*') {
                at += 1;
                value *= atom();
            } else if (peek() == '/') {
                at += 1;
                double divisor = atom();
                if (divisor == 0)
                    throw DivisionByZero();
                value /= divisor;
            } else {
                return value;
            }
        }
    }

    double sum() {
        double value = product();
        for (;;) {
            if (peek() == '+') {
                at += 1;
                value += product();
            } else if (peek() == '-') {
                at += 1;
                value -= product();
            } else {
                return value;
            }
        }
    }

public:
    Calculator(const std::string &text, const std::map<std::string, double> &variables)
        : text(text), variables(variables) {}

    double run() {
        double value = sum();
        if (at != text.size())
            throw SyntaxError("left over", at);
        if (depth != 0)
            throw std::logic_error("a level was not left");
        return value;
    }
};

void calculate(const std::string &text) {
    static const std::map<std::string, double> variables = {{"x", 6}, {"y", 7}};
    try {
        std::printf("%s = %g\n", text.substr(0, 30).c_str(), Calculator(text, variables).run());
    } catch (const SyntaxError &error) {
        std::printf("%s: %s at %zu\n", text.c_str(), error.what(), error.at);
    } catch (const Numbered &error) {
        std::printf("%s: error %d\n", text.c_str(), error.number);
    } catch (const std::exception &error) {
        std::printf("%s...: %s\n", text.substr(0, 10).c_str(), error.what());
    } catch (const std::string &name) {
        std::printf("%s: unknown %s\n", text.c_str(), name.c_str());
    }
}

void unwind(int depth) {
    Guard guard("guard " + std::to_string(depth));
    if (depth == 0)
        throw std::out_of_range("the end");
    unwind(depth - 1);
}

void rethrow() {
    try {
        try {
            unwind(1);
        } catch (const std::logic_error &error) {
            std::printf("  inner: %s\n", error.what());
            throw;
        }
    } catch (...) {
        std::printf("  outer\n");
        try {
            throw;
        } catch (const std::out_of_range &error) {
            std::printf("  again: %s\n", error.what());
        }
    }
}

void replace() {
    try {
        try {
            throw 1;
        } catch (int number) {
            Guard guard("replaced");
            throw std::to_string(number) + " became text";
        }
    } catch (const std::string &text) {
        std::printf("  %s\n", text.c_str());
    }
}

struct Member {
    Guard first{"first"};
    Guard second;
    // The parts that are complete are destroyed, and the handler of the whole cannot help throwing on.
    Member() try : second("second") {
        throw 'x';
    } catch (char c) {
        std::printf("  constructor: %c\n", c);
    }
};

long long many() {
    long long sum = 0;
    for (int i = 0; i < 100000; i++) {
        try {
            std::unique_ptr<int> kept(new int(i));
            if (i % 3 == 0)
                throw *kept;
            if (i % 3 == 1)
                throw static_cast<long>(*kept);
            sum += *kept;
        } catch (int value) {
            sum -= value;
        } catch (long value) {
            sum += 2 * value;
        }
    }
    return sum;
}

} // namespace

int main() {
    for (const char *text : {"1+2*3", "x*y", "(1+2)*-(3-4)", "2*(3", "2*)", "1+", "10/(x-6)", "a*2", "7 7"})
        calculate(text);
    calculate(std::string(150, '(') + "5" + std::string(150, ')'));
    calculate(std::string(1000, '(') + "5" + std::string(1000, ')'));

    std::printf("unwinding:\n");
    try {
        unwind(3);
    } catch (const std::exception &error) {
        std::printf("  caught: %s\n", error.what());
    }
    std::printf("rethrowing:\n");
    rethrow();
    std::printf("replacing:\n");
    replace();
    std::printf("constructing:\n");
    try {
        Member member;
    } catch (char c) {
        std::printf("  caught: %c\n", c);
    }
    std::printf("vector:\n");
    try {
        std::vector<int> numbers(3);
        std::printf("  %d\n", numbers.at(2));
        std::printf("  %d\n", numbers.at(3));
    } catch (const std::out_of_range &) {
        std::printf("  out of range\n");
    }
    std::printf("many: %lld\n", many());
    std::printf("alive: %d\n", alive);
    return alive;
}
