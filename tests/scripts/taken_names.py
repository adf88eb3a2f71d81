"""Writes compiler/codegen/entries/taken_names.inc: the names that C's library and POSIX give to functions, types, variables,
enumerators and macros. Needs a C compiler and universal-ctags; the file in the tree is from glibc 2.36 and gcc 12.

Names that begin with `_` are left out: c_name.cpp takes them all for taken. Usage: taken_names.py > taken_names.inc
"""
import re
import subprocess
import textwrap

HEADERS = """assert complex ctype dirent dlfcn errno fcntl fenv float inttypes iso646 limits locale math poll pthread regex sched
semaphore setjmp signal stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings sys/mman
sys/resource sys/socket sys/stat sys/time sys/types sys/wait threads time uchar unistd wchar wctype""".split()


def output(command, text=""):
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


source = "".join(f"#include <{header}.h>\n" for header in HEADERS)
preprocess = ["cc", "-x", "c", "-D_GNU_SOURCE", "-E", "-"]
names = set(re.findall(r"^#define (\w+)", output([*preprocess, "-dM"], source), re.M))
with open("/tmp/taken_names.i", "w") as file:
    file.write(output([*preprocess, "-P"], source))
tags = output(["ctags", "-x", "--language-force=C", "--kinds-C=+pxvte-mgsu", "/tmp/taken_names.i"])
names |= {line.split()[0] for line in tags.splitlines()}
words = sorted(name for name in names if re.fullmatch(r"[A-Za-z]\w*", name))
print("// Made by tests/scripts/taken_names.py.")
print('R"(' + "\n".join(textwrap.wrap(" ".join(words), 150, break_long_words=False)) + ')"')
