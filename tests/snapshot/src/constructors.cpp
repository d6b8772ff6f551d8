// C++ with constructors of global objects, virtual functions and containers.
#include "guest.h"
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
    virtual std::string name() const = 0;
};

struct Square : Shape {
    explicit Square(double side) : side(side) {}
    double area() const override { return side * side; }
    std::string name() const override { return "square"; }
    double side;
};

struct Circle : Shape {
    explicit Circle(double radius) : radius(radius) {}
    double area() const override { return radius * radius * 3.140625; }
    std::string name() const override { return "circle"; }
    double radius;
};

// Constructed before `initialise`.
struct Registry {
    Registry() {
        for (int i = 0; i < 2000; i++) {
            std::unique_ptr<Shape> shape;
            if (i % 3 == 0) {
                shape = std::make_unique<Circle>(i * 0.25);
            } else {
                shape = std::make_unique<Square>(i * 0.5);
            }
            by_name[shape->name() + std::to_string(i * 7919 % 2000)] = shapes.size();
            shapes.push_back(std::move(shape));
        }
    }
    std::vector<std::unique_ptr<Shape>> shapes;
    std::map<std::string, size_t> by_name;
};

Registry registry;
std::vector<double> sums;
std::string answer;

} // namespace

extern "C" {

void initialise(void) {
    double sum = 0;
    for (const auto &shape : registry.shapes) {
        sums.push_back(sum += shape->area());
    }
}

unsigned request(unsigned number) {
    auto found = registry.by_name.lower_bound("square" + std::to_string(number));
    if (found == registry.by_name.end()) {
        found = registry.by_name.begin();
    }
    const Shape &shape = *registry.shapes[found->second];
    answer = found->first + " " + std::to_string(shape.area()) + " " + std::to_string(sums[found->second]);
    unsigned sum = 0;
    for (unsigned char byte : answer) {
        sum = sum * 31 + byte;
    }
    return sum;
}

void serve(void) {
    for (unsigned number = 0; number < 5; number++) {
        unsigned sum = request(number * 311);
        std::printf("%s %u\n", answer.c_str(), sum);
    }
}

GUEST
}
