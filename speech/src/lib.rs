//! Gradus speech: sound to words with times and measurements.
