// What C programs call a model.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gradc {

/// What the functions of a model's header are called, behind the name of the model and `_`: "create", "train_step", ...
/// Those that name the class of a label, "<input>_label", come in addition.
const std::vector<std::string_view> &header_functions();

/// Does a model of that name need another in C? It does where C, C++, POSIX or gradc has a type, function, macro or keyword of that
/// name, or of a name that the model's header would define: `main`, `pthread` (as there is pthread_create), all that begins with `_`
/// or `gradc`, and `net_run`, which is a function of a model named `net`. Two clashes of models in one program are left: of `my`
/// with `my_model`, as so many models are called like that, and of `sin` with `model_sin`.
bool is_taken(const std::string &name);

/// The name of a model in C, with which all its types, functions and, in capitals, its macros begin: its own, or
/// "model_sin" for a model named `sin`, where that is taken.
std::string c_name(const std::string &model_name);

/// The function that a library exports: "digits_model".
std::string exported_symbol(const std::string &model_name);

std::string in_capitals(std::string);

} // namespace gradc
