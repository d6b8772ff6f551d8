// QuickJS with a loaded script: the script builds a table and compiles its functions at initialisation.
#include "guest.h"
#include "quickjs.h"
#include <stdio.h>
#include <string.h>

static JSRuntime *runtime;
static JSContext *context;
static JSValue handler;

static const char script[] =
    "const words = [];\n"
    "for (let i = 0; i < 3000; i++) words.push('word' + (i * 7919 % 3000).toString(36));\n"
    "words.sort();\n"
    "const index = new Map(words.map((word, position) => [word, position]));\n"
    "const pattern = /w(or)d([0-9a-z]+)/u;\n"
    "class Handler {\n"
    "  constructor() { this.count = 0; }\n"
    "  handle(number) {\n"
    "    this.count++;\n"
    "    const word = words[number % words.length];\n"
    "    const match = pattern.exec(word);\n"
    "    return JSON.stringify({ word, at: index.get(word), tail: match[2], count: this.count });\n"
    "  }\n"
    "}\n"
    "const instance = new Handler();\n"
    "globalThis.handle = (number) => instance.handle(number);\n";

void initialise(void) {
    runtime = JS_NewRuntime();
    context = JS_NewContext(runtime);
    JSValue result = JS_Eval(context, script, sizeof script - 1, "script.js", JS_EVAL_TYPE_GLOBAL);
    if (JS_IsException(result)) {
        abort();
    }
    JS_FreeValue(context, result);
    JSValue global = JS_GetGlobalObject(context);
    handler = JS_GetPropertyStr(context, global, "handle");
    JS_FreeValue(context, global);
}

static char answer[256];

unsigned request(unsigned number) {
    JSValue argument = JS_NewUint32(context, number);
    JSValue result = JS_Call(context, handler, JS_UNDEFINED, 1, &argument);
    const char *text = JS_ToCString(context, result);
    unsigned sum = 0;
    snprintf(answer, sizeof answer, "%s", text ? text : "exception");
    for (const char *at = answer; *at; at++) {
        sum = sum * 31 + (unsigned char)*at;
    }
    JS_FreeCString(context, text);
    JS_FreeValue(context, result);
    return sum;
}

void serve(void) {
    for (unsigned number = 0; number < 5; number++) {
        unsigned sum = request(number * 613);
        printf("%s %u\n", answer, sum);
    }
}

GUEST
