"""Record linkage on batches of records, in numpy and pandas: keys, pairs, comparisons, Fellegi-Sunter. No Spark."""
