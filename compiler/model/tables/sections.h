// The model file as a whole: its top-level keys, inputs, train and data sections.
#pragma once

#include "compiler/model/tables/attributes.h"

namespace gradc {

const ObjectSpec &model_spec();
const ObjectSpec &input_spec(); // of one input
const ObjectSpec &train_spec();
const ObjectSpec &part_spec(); // validation, test: files of their own
const ObjectSpec &early_stopping_spec();
const ObjectSpec &data_spec();
const ObjectSpec &input_data_spec(); // where the values of one input come from

} // namespace gradc
